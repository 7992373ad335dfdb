//! The links of the benchmarks, each with the device behind it.

use super::IMAGE;
use smpfota::simulator::{
    DeviceOptions, DeviceProfile, EraseMode, LinkKind, LinkProfile, RoundTrip, Scenario, ideal_course,
    ideal_time_for, physical_limit_us,
};

/// One row of the table, for every seed the same link and device.
pub struct Case {
    pub name: &'static str,
    pub frame: u32,
    /// Nothing was ever tuned on it.
    pub held_out: bool,
    link: LinkProfile,
    device: DeviceOptions,
}

impl Case {
    fn new(name: &'static str, link: LinkProfile, large: bool) -> Case {
        let device = link.fit(DeviceOptions::new(DeviceProfile::Zephyr44), large);
        Case { name, frame: if large { 2_475 } else { link.max_write }, held_out: false, link, device }
    }

    fn device(mut self, change: impl FnOnce(&mut DeviceOptions)) -> Case {
        change(&mut self.device);
        self
    }

    pub fn scenario(&self, seed: u64) -> Scenario {
        let mut scenario = Scenario::new(LinkKind::None).seed(seed).image_size(IMAGE);
        scenario.link = self.link.clone();
        scenario.device = self.device.clone();
        scenario
    }

    /// The frames that the oracle keeps in flight.
    pub fn window(&self) -> u32 {
        self.device.buf_count - 1
    }

    pub fn max_write(&self) -> u32 {
        self.link.max_write
    }

    /// Milliseconds of the oracle.
    pub fn ideal_ms(&self, seed: u64) -> f64 {
        let device = self.device.clone();
        let ideal = ideal_time_for(&self.link, device, self.frame, self.window(), seed, IMAGE);
        ideal.expect("the oracle uploads") as f64 / 1e3
    }

    /// Bytes of the oracle over time.
    pub fn ideal_course(&self, seed: u64) -> super::picture::Course {
        let course = ideal_course(&self.link, self.device.clone(), self.frame, self.window(), seed, IMAGE);
        course.expect("the oracle uploads")
    }

    /// The physical limit in milliseconds.
    pub fn limit_ms(&self) -> f64 {
        physical_limit_us(&self.link, &self.device, self.frame, IMAGE) as f64 / 1e3
    }

    pub fn erase(&self) -> &'static str {
        match self.device.erase {
            EraseMode::Progressive => "progressive",
            _ if !self.device.used_secondary => "before",
            EraseMode::FirstChunkImage => "first chunk",
            EraseMode::FirstChunkSlot => "first chunk, whole slot",
        }
    }
}

/// The named links as they are, the same with progressive erase, and a phone of today.
pub fn known() -> Vec<Case> {
    let kinds = [LinkKind::BleLocal, LinkKind::GatewayLan, LinkKind::IothubMethod, LinkKind::CellularBad];
    let mut cases = Vec::new();
    for progressive in [false, true] {
        for kind in kinds {
            let mut link = kind.profile();
            if progressive && std::mem::replace(&mut link.erase, EraseMode::Progressive) == link.erase {
                continue;
            }
            cases.extend([false, true].map(|large| Case::new(kind.name(), link.clone(), large)));
        }
    }
    cases.push(Case::new("ble-fast", LinkProfile::ble_fast(), true).device(|device| {
        device.buf_count = 8;
        device.used_secondary = false;
    }));
    cases
}

/// Links that no change of the engine was ever tried on before it was finished. They stay as they are.
pub fn held_out() -> Vec<Case> {
    let quiet = LinkKind::None.profile();
    let spread = LinkProfile {
        round_trip: RoundTrip::Uniform { mean_us: 220_000, spread_us: 200_000 },
        bandwidth: 50_000,
        loss_down: 0.004,
        loss_up: 0.004,
        duplicate: 0.004,
        reorder: 0.004,
        erase: EraseMode::FirstChunkImage,
        ..quiet.clone()
    };
    let correlated = LinkProfile {
        round_trip: RoundTrip::Drifting { p50_us: 250_000, p99_us: 1_500_000, kept: 92 },
        bandwidth: 60_000,
        loss_down: 0.005,
        loss_up: 0.005,
        erase: EraseMode::FirstChunkImage,
        ..quiet.clone()
    };
    let flash = LinkProfile {
        round_trip: RoundTrip::Uniform { mean_us: 90_000, spread_us: 30_000 },
        bandwidth: 70_000,
        loss_down: 0.002,
        loss_up: 0.002,
        ..quiet.clone()
    };
    let operations = LinkProfile {
        round_trip: RoundTrip::Uniform { mean_us: 140_000, spread_us: 60_000 },
        bandwidth: 60_000,
        loss_down: 0.002,
        loss_up: 0.002,
        operation_us: 200_000,
        erase: EraseMode::FirstChunkImage,
        ..quiet
    };
    let mut cases = Vec::new();
    for large in [false, true] {
        cases.push(Case::new("wide-spread", spread.clone(), large));
        cases.push(Case::new("correlated", correlated.clone(), large));
        cases.push(Case::new("slow-flash", flash.clone(), large).device(|device| {
            device.flash.erase_page_us = 300_000;
            device.flash.write_word_us = 120;
        }));
        cases.push(Case::new("one-per-200-ms", operations.clone(), large));
    }
    for case in &mut cases {
        case.held_out = true;
    }
    cases.sort_by_key(|case| case.name);
    cases
}
