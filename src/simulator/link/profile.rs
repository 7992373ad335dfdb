//! The links of the project's benchmarks, by name and as numbers.

use super::super::device::{DeviceOptions, EraseMode};
use super::delay::RoundTrip;

/// A link with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// Nothing in the way: 5 ms there and back.
    None,
    /// A phone or a PC beside the device.
    BleLocal,
    /// A gateway in the same network.
    GatewayLan,
    /// Direct methods of an IoT Hub.
    IothubMethod,
    /// A gateway on a bad mobile connection.
    CellularBad,
}

impl LinkKind {
    /// Every link with a name; the place in this list is its number in C.
    pub const ALL: &'static [LinkKind] = &[
        LinkKind::None,
        LinkKind::BleLocal,
        LinkKind::GatewayLan,
        LinkKind::IothubMethod,
        LinkKind::CellularBad,
    ];

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            LinkKind::None => "none",
            LinkKind::BleLocal => "ble-local",
            LinkKind::GatewayLan => "gateway-lan",
            LinkKind::IothubMethod => "iothub-method",
            LinkKind::CellularBad => "cellular-bad",
        }
    }

    /// The link of this name.
    pub fn from_name(name: &str) -> Option<LinkKind> {
        LinkKind::ALL.iter().copied().find(|k| k.name() == name)
    }

    /// Its numbers.
    pub fn profile(self) -> LinkProfile {
        LinkProfile::named(self)
    }
}

/// The numbers of a link. Probabilities are 0.0 to 1.0 and apply to one frame in one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkProfile {
    /// The round trip without waiting.
    pub round_trip: RoundTrip,
    /// Bytes per second of the last hop, each way; 0 is without limit.
    pub bandwidth: u64,
    /// Loss on the way to the device.
    pub loss_down: f64,
    /// Loss on the way to the client.
    pub loss_up: f64,
    /// A second copy arrives later.
    pub duplicate: f64,
    /// The frame is held back, so that later ones overtake it.
    pub reorder: f64,
    /// One to eight bytes are missing at the end of one write.
    pub truncate: f64,
    /// One write inside a frame of several is lost.
    pub fragment_loss: f64,
    /// Mean time between two unannounced link drops, µs; 0: never.
    pub drop_every_us: u64,
    /// How long such a drop lasts, µs.
    pub drop_for_us: u64,
    /// The gateway starts one write operation per this time, µs; 0: no limit.
    pub operation_us: u64,
    /// What a GATT write and a notification carry.
    pub max_write: u32,
    /// When the device behind it erases.
    pub erase: EraseMode,
}

impl LinkProfile {
    /// The numbers of a named link.
    pub fn named(kind: LinkKind) -> LinkProfile {
        let quiet = LinkProfile {
            round_trip: RoundTrip::Uniform { mean_us: 5_000, spread_us: 0 },
            bandwidth: 0,
            loss_down: 0.0,
            loss_up: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            truncate: 0.0,
            fragment_loss: 0.0,
            drop_every_us: 0,
            drop_for_us: 0,
            operation_us: 0,
            max_write: 244,
            erase: EraseMode::Progressive,
        };
        match kind {
            LinkKind::None => quiet,
            LinkKind::BleLocal => LinkProfile {
                round_trip: RoundTrip::Uniform { mean_us: 60_000, spread_us: 15_000 },
                bandwidth: 80_000,
                ..quiet
            },
            LinkKind::GatewayLan => LinkProfile {
                round_trip: RoundTrip::Uniform { mean_us: 120_000, spread_us: 60_000 },
                bandwidth: 60_000,
                loss_down: 0.002,
                loss_up: 0.002,
                duplicate: 0.002,
                reorder: 0.005,
                erase: EraseMode::FirstChunkImage,
                ..quiet
            },
            LinkKind::IothubMethod => LinkProfile {
                round_trip: RoundTrip::Lognormal { p50_us: 300_000, p99_us: 2_000_000 },
                bandwidth: 60_000,
                loss_down: 0.005,
                loss_up: 0.005,
                duplicate: 0.003,
                reorder: 0.01,
                erase: EraseMode::FirstChunkImage,
                ..quiet
            },
            LinkKind::CellularBad => LinkProfile {
                round_trip: RoundTrip::Lognormal { p50_us: 2_000_000, p99_us: 10_000_000 },
                bandwidth: 4_000,
                loss_down: 0.03,
                loss_up: 0.03,
                duplicate: 0.02,
                reorder: 0.03,
                drop_every_us: 60_000_000,
                drop_for_us: 5_000_000,
                erase: EraseMode::FirstChunkSlot,
                ..quiet
            },
        }
    }

    /// A phone of today beside the device: 15 ms there and back, 2M PHY, writes of 495 bytes. The device behind it has
    /// 8 buffers of 2,475 bytes and an erased slot.
    pub fn ble_fast() -> LinkProfile {
        LinkProfile {
            round_trip: RoundTrip::Uniform { mean_us: 15_000, spread_us: 0 },
            bandwidth: 160_000,
            max_write: 495,
            erase: EraseMode::FirstChunkImage,
            ..LinkProfile::named(LinkKind::None)
        }
    }

    /// The same link without loss, duplicates, reordering, truncation and drops: delays and bandwidth stay.
    pub fn without_faults(&self) -> LinkProfile {
        LinkProfile {
            loss_down: 0.0,
            loss_up: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            truncate: 0.0,
            fragment_loss: 0.0,
            drop_every_us: 0,
            ..self.clone()
        }
    }

    /// Fits a device's options to this link: 4 buffers of 384 bytes, or 4 of 2475 with reassembly.
    pub fn fit(&self, options: DeviceOptions, large: bool) -> DeviceOptions {
        DeviceOptions {
            buf_size: if large { 2475 } else { 384 },
            buf_count: 4,
            reassembly: large,
            max_write: self.max_write,
            erase: self.erase,
            ..options
        }
    }

    pub(super) fn has_faults(&self) -> bool {
        let sum = self.loss_down + self.loss_up + self.duplicate + self.reorder + self.truncate;
        sum + self.fragment_loss > 0.0
    }
}
