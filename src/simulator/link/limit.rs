//! The physical limit of an upload: what no client can go below, however many frames it keeps in flight.
//!
//! The slowest of the wire, the gateway's rate of operations and the device's flash, one round trip, and the erase before
//! the first answer. No loss and no second round trip is in it, so on a link with a long tail of delays it is out of reach.

use super::super::device::{DeviceOptions, EraseMode};
use super::LinkProfile;

/// Bytes of one flash page.
const PAGE: u64 = 4_096;

/// The least time from the first byte of the first chunk to the last acknowledgement, µs, for an image of this many bytes in
/// frames of this many.
pub fn physical_limit_us(link: &LinkProfile, device: &DeviceOptions, frame: u32, image_len: u32) -> u64 {
    let frames = u64::from(fewest_frames(frame, image_len));
    let bytes = u64::from(image_len) + frames * 23;
    // The last frame may be short, and the first write of all waits for nothing.
    let writes = frames.saturating_sub(1) * u64::from(frame.div_ceil(link.max_write.max(1)));
    let wire = (bytes * 1_000_000).checked_div(link.bandwidth).unwrap_or(0).max(writes * link.operation_us);
    let flash = device.flash;
    let written = u64::from(image_len).div_ceil(4) * flash.write_word_us + frames * device.request_us;
    let pages = u64::from(image_len).div_ceil(PAGE) + 1;
    let (during, before) = match device.erase {
        EraseMode::Progressive => (pages * flash.erase_page_us, 0),
        _ if !device.used_secondary => (0, 0),
        EraseMode::FirstChunkImage => (0, pages * flash.erase_page_us),
        EraseMode::FirstChunkSlot => (0, u64::from(device.slot_size).div_ceil(PAGE) * flash.erase_page_us),
    };
    wire.max(written + during) + link.round_trip.typical_us() + before
}

/// The fewest frames of this size that carry an image of this many bytes.
pub fn fewest_frames(frame: u32, image_len: u32) -> u32 {
    let head = |n: u32| match n {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    };
    let (mut offset, mut frames) = (0, 0);
    while offset < image_len {
        // 8 header, 1 map, 4 "off", 5 "data"; the first also 5 + 4 "len", 4 + 34 "sha".
        let used = 18 + head(offset) + if offset == 0 { 47 } else { 0 };
        let room = frame.saturating_sub(used);
        offset += (1..=room).rev().find(|data| data + head(*data) <= room).unwrap_or(1);
        frames += 1;
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::super::super::device::DeviceProfile;
    use super::super::LinkKind;
    use super::*;

    #[test]
    fn the_limit_is_what_the_slowest_part_takes() {
        let seconds = |kind: LinkKind, frame: u32| {
            let link = kind.profile();
            let device = link.fit(DeviceOptions::new(DeviceProfile::Zephyr44), frame > 244);
            physical_limit_us(&link, &device, frame, 409_600) as f64 / 1e6
        };
        // Progressive erase and writing: 101 pages of 85 ms, 102,400 words of 41 µs, 1,868 requests of 0.3 ms.
        assert!((seconds(LinkKind::BleLocal, 244) - (8.585 + 4.198 + 0.560 + 0.06)).abs() < 0.01);
        // 452,564 bytes at 60 kB/s, and 101 pages before the first answer.
        assert!((seconds(LinkKind::GatewayLan, 244) - (7.543 + 0.12 + 8.585)).abs() < 0.01);
        assert_eq!((fewest_frames(244, 409_600), fewest_frames(2_475, 409_600)), (1_868, 168));
    }
}
