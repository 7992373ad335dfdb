//! What the caller knows of the carrier and of the device when a session opens.

use crate::failure::Failure;
use crate::status::Status;

/// How frames travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Framing {
    /// The frame as it is: GATT, UDP.
    #[default]
    Raw = 0,
    /// Zephyr's console lines: a UART, MCUboot serial recovery.
    Serial = 1,
}

/// Which version of the protocol requests carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum SmpVersion {
    /// Version 2, and version 1 where a device asks for it or stays silent.
    #[default]
    Auto = 0,
    /// Always version 1.
    V1 = 1,
    /// Always version 2.
    V2 = 2,
}

/// Whether the device puts several writes together to one frame (`CONFIG_MCUMGR_TRANSPORT_BT_REASSEMBLY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Reassembly {
    /// Found out with an echo that is a little larger than one write.
    #[default]
    Auto = 0,
    /// It does.
    Yes = 1,
    /// It does not.
    No = 2,
}

/// The options of a session. The defaults suit a BLE device at ATT MTU 247 behind a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionOptions {
    /// How frames travel.
    pub framing: Framing,
    /// How many bytes one write carries: ATT MTU - 3 over GATT, the datagram size over UDP. 20 to 65,535; default 244.
    pub max_write: u32,
    /// The largest SMP frame; 0 learns it from the device's parameters. Otherwise a cap, 32 to 65,535.
    pub max_frame: u32,
    /// How many upload frames may be unanswered; 0 learns it from the device's parameters. Otherwise a cap, and what is
    /// used where the device does not tell its buffers. At most 16.
    pub window: u32,
    /// Which version of the protocol requests carry.
    pub smp_version: SmpVersion,
    /// Any number that differs between sessions; the first sequence number comes from it.
    pub nonce: u32,
    /// The expected round trip in milliseconds, until it is measured. Default 1,000. More than three times what the first
    /// answers take is not believed.
    pub rtt_hint_ms: u32,
    /// How long the first chunk may take, since the device may erase the slot before it answers. Default 40,000.
    pub first_timeout_ms: u32,
    /// How long the last chunk may take, since the device may hash the image before it answers. Default 20,000. Sent again
    /// it takes nothing back, so that is done twice already after the time of any other chunk.
    pub last_timeout_ms: u32,
    /// The shortest time after which any other answer counts as missing. Default 400.
    pub timeout_ms: u32,
    /// How often one request is sent at most. Default 6.
    pub retries: u32,
    /// How long an operation goes on without any progress before it fails. Default 150,000.
    pub stall_timeout_ms: u32,
    /// The least time between two frames, for gateways with a limited rate. Default 0.
    pub write_interval_ms: u32,
    /// Whether the device puts several writes together.
    pub reassembly: Reassembly,
    /// How many frames one call of the carrier takes, where it makes several writes in one call and keeps the delays that the
    /// session asks for between them ([`Session::delay_ms`](crate::Session::delay_ms)); at most 128. 0 or 1, the default: no
    /// more than the device has buffers for.
    pub batch_frames: u32,
    /// How many bytes one call takes, before the carrier encodes them; 0, the default, is without limit. It holds for more
    /// than one frame: the first of a call always fits.
    pub batch_bytes: u32,
    /// The least time that the gateway keeps between two writes of a call anyway. Default 0.
    pub batch_gap_ms: u32,
}

impl Default for SessionOptions {
    fn default() -> SessionOptions {
        SessionOptions {
            framing: Framing::Raw,
            max_write: 244,
            max_frame: 0,
            window: 0,
            smp_version: SmpVersion::Auto,
            nonce: 0,
            rtt_hint_ms: 1_000,
            first_timeout_ms: 40_000,
            last_timeout_ms: 20_000,
            timeout_ms: 400,
            retries: 6,
            stall_timeout_ms: 150_000,
            write_interval_ms: 0,
            reassembly: Reassembly::Auto,
            batch_frames: 0,
            batch_bytes: 0,
            batch_gap_ms: 0,
        }
    }
}

/// The most frames that one call of the carrier takes.
pub const MAX_BATCH: u32 = 128;

/// The most upload frames that may be unanswered, whatever the device and the caller allow.
pub const MAX_WINDOW: u32 = 16;

impl SessionOptions {
    /// Refuses figures that no link can have, naming the field and its range.
    pub fn check(&self) -> Result<(), Failure> {
        const DAY: u32 = 86_400_000;
        let ranges = [
            ("max_write", self.max_write, 20, 65_535),
            ("max_frame", self.max_frame.max(32), 32, 65_535),
            ("window", self.window, 0, MAX_WINDOW),
            ("rtt_hint_ms", self.rtt_hint_ms, 1, 600_000),
            ("first_timeout_ms", self.first_timeout_ms, 1, DAY),
            ("last_timeout_ms", self.last_timeout_ms, 1, DAY),
            ("timeout_ms", self.timeout_ms, 1, DAY),
            ("retries", self.retries, 1, 100),
            ("stall_timeout_ms", self.stall_timeout_ms, 1, DAY),
            ("write_interval_ms", self.write_interval_ms, 0, 600_000),
            ("batch_frames", self.batch_frames, 0, MAX_BATCH),
            ("batch_gap_ms", self.batch_gap_ms, 0, 10_000),
        ];
        for (name, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(Failure::new(
                    Status::InvalidArgument,
                    format!("the session option {name} is {value}; it must lie between {least} and {most}."),
                ));
            }
        }
        if self.max_frame != 0 && self.max_frame < 32 {
            return Err(Failure::new(
                Status::InvalidArgument,
                format!("the session option max_frame is {}; it must be 0 or at least 32.", self.max_frame),
            ));
        }
        Ok(())
    }
}
