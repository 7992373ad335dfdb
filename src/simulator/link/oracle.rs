//! T*: what an oracle needs for an upload on the very same link when nothing goes wrong.
//!
//! The same seed gives the same delays; `window` frames are always in flight, each filled to the byte; the first
//! packet is alone. From the first byte to the last acknowledgement. It encodes for itself, so that it does not
//! depend on the client it is the measure of.

use sha2::{Digest, Sha256};

use super::super::device::{DeviceOptions, DeviceProfile, VirtualDevice};
use super::super::image;
use super::{Fault, LinkProfile, VirtualLink};

/// T* for an image of this many bytes, µs. Frames above 244 bytes go to a device of 4 x 2475 that reassembles.
/// `None` when a frame is too small to carry anything, or the device refused the upload.
pub fn ideal_time_us(
    profile: &LinkProfile,
    frame: u32,
    window: u32,
    seed: u64,
    image_len: u32,
) -> Option<u64> {
    let options = profile.fit(DeviceOptions::new(DeviceProfile::Zephyr44), frame > profile.max_write);
    ideal_time_for(profile, options, frame, window, seed, image_len)
}

/// As [`ideal_time_us`], for a device with these options.
pub fn ideal_time_for(
    profile: &LinkProfile,
    options: DeviceOptions,
    frame: u32,
    window: u32,
    seed: u64,
    image_len: u32,
) -> Option<u64> {
    ideal_course(profile, options, frame, window, seed, image_len)?.last().map(|(at, _)| *at)
}

/// As [`ideal_time_for`], with every time at which more was acknowledged, in microseconds, and how many bytes then were.
pub fn ideal_course(
    profile: &LinkProfile,
    options: DeviceOptions,
    frame: u32,
    window: u32,
    seed: u64,
    image_len: u32,
) -> Option<Vec<(u64, u32)>> {
    let max_write = profile.max_write.max(1) as usize;
    let image = image::make((9, 9, 9), image_len as usize, seed);
    let sha = Sha256::digest(&image);
    let device = VirtualDevice::new(options);
    let mut link = VirtualLink::new(profile.without_faults(), Fault::None, seed, device);
    let (mut now, mut sent, mut acknowledged, mut in_flight) = (0, 0, 0, 0);
    let mut buffer = Vec::new();
    let mut course = Vec::new();
    while acknowledged < image.len() {
        let allowed = if acknowledged == 0 { 1 } else { window.max(1) };
        while in_flight < allowed && sent < image.len() {
            let taken = encode(&image, &sha, sent, frame as usize, &mut buffer)?;
            for write in buffer.chunks(max_write) {
                link.write(now, write);
            }
            sent += taken;
            in_flight += 1;
        }
        now = link.next_event()?;
        while let Some(answer) = link.read(now) {
            let off = offset(&answer)?;
            if off <= acknowledged {
                return None;
            }
            acknowledged = off;
            in_flight -= 1;
            course.push((now, off as u32));
        }
    }
    Some(course)
}

fn head(out: &mut Vec<u8>, major: u8, value: usize) {
    match value {
        0..=23 => out.push(major | value as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, value as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        _ => {
            out.push(major | 26);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
    }
}

fn head_len(value: usize) -> usize {
    match value {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    }
}

/// Writes the frame for this offset and gives the number of image bytes in it.
fn encode(image: &[u8], sha: &[u8], off: usize, frame: usize, out: &mut Vec<u8>) -> Option<usize> {
    out.clear();
    out.extend_from_slice(&[0x0a, 0, 0, 0, 0, 1, 0, 1]);
    // The first packet also tells image, length, hash and "not only upgrades", as the client's does.
    out.push(if off == 0 { 0xa6 } else { 0xa2 });
    if off == 0 {
        out.extend_from_slice(b"\x65image\x00\x63len");
        head(out, 0x00, image.len());
        out.extend_from_slice(b"\x63sha\x58\x20");
        out.extend_from_slice(sha);
        out.extend_from_slice(b"\x67upgrade\xf4");
    }
    out.extend_from_slice(b"\x63off");
    head(out, 0x00, off);
    out.extend_from_slice(b"\x64data");
    let room = frame.checked_sub(out.len())?;
    let mut take = room.min(image.len() - off);
    while take > 0 && take + head_len(take) > room {
        take -= 1;
    }
    if take == 0 {
        return None;
    }
    head(out, 0x40, take);
    out.extend_from_slice(&image[off..off + take]);
    let length = (out.len() - 8) as u16;
    out[2..4].copy_from_slice(&length.to_be_bytes());
    Some(take)
}

/// The number behind the key `off` of an answer.
fn offset(answer: &[u8]) -> Option<usize> {
    let at = answer.windows(4).position(|w| w == b"\x63off")? + 4;
    let rest = &answer[at..];
    Some(match *rest.first()? {
        short @ 0..=23 => usize::from(short),
        24 => usize::from(*rest.get(1)?),
        25 => usize::from(u16::from_be_bytes(rest.get(1..3)?.try_into().ok()?)),
        26 => u32::from_be_bytes(rest.get(1..5)?.try_into().ok()?) as usize,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::LinkKind;
    use super::*;

    #[test]
    fn frames_carry_what_was_computed_by_hand() {
        let image = vec![1; 409_600];
        let mut out = Vec::new();
        let mut carried = |off| {
            let taken = encode(&image, &[0; 32], off, 244, &mut out).unwrap();
            assert_eq!(out.len(), 244);
            taken
        };
        assert_eq!([carried(0), carried(160), carried(382), carried(70_000)], [160, 222, 221, 219]);
    }

    /// The design's formula, max(N x RTT / W, ...) + RTT + erase, with the spread of the delays taken out. Where the
    /// device erases progressively each page holds up the answers for 85 ms, which the formula leaves out.
    #[test]
    fn without_jitter_the_oracle_needs_what_the_formula_says() {
        for (kind, seconds) in [
            (LinkKind::BleLocal, 37.4 + 0.06 + 100.0 * 0.085),
            (LinkKind::GatewayLan, 74.7 + 0.12 + 8.5),
            (LinkKind::IothubMethod, 186.8 + 0.3 + 8.5),
            (LinkKind::CellularBad, 1245.3 + 2.0 + 10.1),
        ] {
            let mut profile = kind.profile();
            let mean_us = profile.round_trip.typical_us();
            profile.round_trip = super::super::RoundTrip::Uniform { mean_us, spread_us: 0 };
            let ideal = ideal_time_us(&profile, 244, 3, 1, 409_600).unwrap() as f64 / 1e6;
            assert!((1.0..1.03).contains(&(ideal / seconds)), "{} {ideal} {seconds}", kind.name());
        }
    }
}
