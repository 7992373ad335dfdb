//! The two sizes that are never mixed, and how many frames the device can hold.
//!
//! `max_write` is what one write carries; `max_frame` what one SMP frame may hold. A device that puts GATT writes together
//! takes frames up to its `buf_size`; one that does not takes only what fits one write.

use super::options::{Framing, MAX_WINDOW, Reassembly, SessionOptions};

/// Frame sizes to fall back to, each well below the one before: common ATT MTUs and gateway limits less their headers.
/// The last one still carries a first chunk.
const LADDER: [u16; 11] = [4096, 2048, 1024, 512, 495, 384, 252, 244, 236, 182, SMALLEST];

/// The last of them, with room for a first chunk that names its image.
const SMALLEST: u16 = 128;
/// No first chunk fits in less: 68 bytes, and 32 of the image.
pub(crate) const LEAST_FIRST: u16 = 100;

/// What is known of the sizes. None is above 65,535.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    max_write: u16,
    cap: u16,
    buf_size: u16,
    buf_count: u16,
    /// The largest frame that the link was seen to carry less than; 0 when nothing is known.
    ceiling: u16,
    window_option: u8,
    /// An echo of the largest frame that device and caller allow is about to find out whether it passes by now.
    growing: bool,
    reassembly: Reassembly,
    serial: bool,
}

impl Limits {
    pub(crate) fn new(options: &SessionOptions) -> Limits {
        Limits {
            max_write: small(options.max_write),
            cap: small(options.max_frame),
            buf_size: 0,
            buf_count: 0,
            window_option: options.window.min(MAX_WINDOW) as u8,
            ceiling: 0,
            growing: false,
            reassembly: options.reassembly,
            serial: options.framing == Framing::Serial,
        }
    }

    /// How many bytes one write carries.
    pub const fn max_write(&self) -> u32 {
        self.max_write as u32
    }

    /// The device's buffer size and count; 0 where it has not told them.
    pub const fn buffers(&self) -> (u32, u32) {
        (self.buf_size as u32, self.buf_count as u32)
    }

    /// The largest SMP frame to send now.
    pub fn frame(&self) -> u32 {
        let mut frame = if self.serial {
            // Console lines are put together by every server, and the decoded packet must leave room for length and
            // checksum in the buffer.
            if self.buf_size > 4 { self.buf_size - 4 } else { self.max_write }
        } else if self.buf_size == 0 {
            self.max_write
        } else if self.reassembly == Reassembly::Yes {
            self.buf_size
        } else {
            self.max_write.min(self.buf_size)
        };
        if self.cap != 0 {
            frame = frame.min(self.cap);
            if self.buf_size == 0 && (self.serial || self.reassembly == Reassembly::Yes) {
                frame = self.cap;
            }
        }
        if self.ceiling != 0 {
            frame = frame.min(self.ceiling);
        }
        u32::from(frame.max(32))
    }

    /// How many unanswered upload frames the device can hold: one buffer is kept for the response.
    pub fn window(&self) -> u32 {
        let device = u32::from(self.buf_count.saturating_sub(1).max(1));
        match (self.buf_count, u32::from(self.window_option)) {
            (0, 0) => 1,
            (0, option) => option,
            (_, 0) => device.min(MAX_WINDOW),
            (_, option) => option.min(device),
        }
    }

    /// Takes the answer to the parameters command (Zephyr `os_mgmt_mcumgr_params`: `buf_size`, header included, `buf_count`).
    pub fn learn_buffers(&mut self, buf_size: u32, buf_count: u32) {
        // A buffer that holds no useful frame is a wrong answer, not a limit.
        if buf_size >= 32 {
            self.buf_size = small(buf_size);
            self.buf_count = small(buf_count.min(1_000));
        }
    }

    /// Whether an echo should find out if the device reassembles.
    pub fn wants_reassembly_probe(&self) -> bool {
        !self.serial
            && self.reassembly == Reassembly::Auto
            && u32::from(self.buf_size) > self.reassembly_probe_len()
            && (self.cap == 0 || u32::from(self.cap) >= self.reassembly_probe_len())
    }

    /// The size of the echo frame that finds it out: the rest is a runt that a server without reassembly ignores.
    pub fn reassembly_probe_len(&self) -> u32 {
        self.max_write() + REASSEMBLY_PROBE_EXTRA
    }

    /// The longest frame that any request may need now: the limit, or the echo that is about to test it.
    pub fn room(&self) -> u32 {
        if self.growing {
            self.uncapped()
        } else if self.wants_reassembly_probe() {
            self.reassembly_probe_len().max(self.frame())
        } else {
            self.frame()
        }
    }

    /// Takes what the echo told.
    pub fn learn_reassembly(&mut self, works: bool) {
        self.reassembly = if works { Reassembly::Yes } else { Reassembly::No };
    }

    /// The largest frame that goes out in one piece, or in pieces that have a checksum.
    pub fn one_write(&self) -> u32 {
        if self.serial { u32::MAX } else { self.max_write() }
    }

    /// Whether frames may be larger than the device's buffers, which it has not told: by the caller's word alone they are larger than one
    /// write, or go out in console lines, whose length says nothing of a frame.
    pub fn is_size_presumed(&self) -> bool {
        self.buf_size == 0 && (self.serial || self.frame() > self.max_write())
    }

    /// Whether frames larger than one write are in use.
    pub fn reassembles(&self) -> bool {
        !self.serial && self.frame() > self.max_write()
    }

    /// The caller reports another write size, as after a new MTU exchange.
    pub fn set_max_write(&mut self, max_write: u32) {
        self.max_write = small(max_write.max(20));
        self.ceiling = 0;
    }

    /// Steps down to the next smaller frame. Returns the new size, or `None` when there is none.
    pub fn step_down(&mut self) -> Option<u32> {
        let now = self.frame();
        // A device that does not put writes together, or whose buffers hold less than the caller says, explains why exactly
        // the large frames are lost; each step in between would cost a whole timeout of the first chunk.
        let next = if now > self.max_write() && self.max_write >= LEAST_FIRST {
            Some(self.max_write)
        } else if now > self.max_write() && now > u32::from(SMALLEST) {
            // Writes this short carry no first chunk.
            Some(SMALLEST)
        } else {
            LADDER.into_iter().find(|size| u32::from(*size) < now)
        };
        self.ceiling = next?;
        Some(u32::from(self.ceiling))
    }

    /// The largest frame that device and caller allow, whatever the link was seen to carry.
    pub fn uncapped(&self) -> u32 {
        Limits { ceiling: 0, ..*self }.frame()
    }

    /// Whether an echo of the largest frame is about to be sent.
    pub fn set_growing(&mut self, growing: bool) {
        self.growing = growing;
    }

    /// The largest frame passes again.
    pub fn grow(&mut self) {
        self.ceiling = 0;
    }

    /// The figures to keep in a snapshot.
    pub(crate) const fn parts(&self) -> (u32, u32, u32, u32, Reassembly) {
        (
            self.max_write as u32,
            self.buf_size as u32,
            self.buf_count as u32,
            self.ceiling as u32,
            self.reassembly,
        )
    }

    /// Takes the figures of a snapshot.
    pub(crate) fn restore(&mut self, buf_size: u32, buf_count: u32, ceiling: u32, reassembly: Reassembly) {
        self.learn_buffers(buf_size, buf_count);
        self.ceiling = small(ceiling);
        // What the caller says of the device goes before what was found out.
        if self.reassembly == Reassembly::Auto {
            self.reassembly = reassembly;
        }
    }
}

const fn small(size: u32) -> u16 {
    if size < 65_535 { size as u16 } else { 65_535 }
}

/// Fewer than 8 bytes, so that the second write of the probe is no frame of its own (Zephyr drops runts).
const REASSEMBLY_PROBE_EXTRA: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_and_window_follow_what_is_known() {
        let mut limits = Limits::new(&SessionOptions::default());
        assert_eq!((limits.frame(), limits.window()), (244, 1));
        limits.learn_buffers(384, 4);
        assert!(limits.wants_reassembly_probe());
        assert_eq!((limits.frame(), limits.window()), (244, 3));
        limits.learn_reassembly(true);
        assert_eq!((limits.frame(), limits.reassembles()), (384, true));
        limits.learn_reassembly(false);
        assert_eq!((limits.frame(), limits.reassembles()), (244, false));
    }

    #[test]
    fn options_cap_what_the_device_offers() {
        let options = SessionOptions { max_frame: 128, window: 2, ..SessionOptions::default() };
        let mut limits = Limits::new(&options);
        assert_eq!((limits.frame(), limits.window()), (128, 2));
        limits.learn_buffers(2475, 8);
        limits.learn_reassembly(true);
        assert_eq!((limits.frame(), limits.window()), (128, 2));
    }

    #[test]
    fn stepping_down_ends_at_the_smallest_useful_frame() {
        let mut limits =
            Limits::new(&SessionOptions { reassembly: Reassembly::Yes, ..SessionOptions::default() });
        limits.learn_buffers(2475, 4);
        let mut steps = Vec::new();
        while let Some(size) = limits.step_down() {
            steps.push(size);
        }
        assert_eq!(steps, [244, 236, 182, 128]);
        assert_eq!(limits.frame(), 128);
    }

    #[test]
    fn writes_too_short_for_a_first_chunk_still_leave_frames_that_carry_one() {
        for (max_write, expected) in [(20, &[128][..]), (99, &[128]), (100, &[100]), (182, &[182, 128])] {
            let options =
                SessionOptions { max_write, reassembly: Reassembly::Yes, ..SessionOptions::default() };
            let mut limits = Limits::new(&options);
            limits.learn_buffers(2475, 4);
            let steps: Vec<_> = std::iter::from_fn(|| limits.step_down()).collect();
            assert_eq!(steps, expected, "{max_write}");
        }
    }

    #[test]
    fn the_probe_keeps_to_the_cap_as_well() {
        for (max_frame, probes) in [(245, false), (247, false), (248, true), (0, true)] {
            let mut limits = Limits::new(&SessionOptions { max_frame, ..SessionOptions::default() });
            limits.learn_buffers(2475, 4);
            assert_eq!(limits.wants_reassembly_probe(), probes, "{max_frame}");
            assert!(max_frame == 0 || limits.room() <= max_frame);
        }
    }

    #[test]
    fn a_device_with_two_buffers_gets_one_frame_at_a_time() {
        let mut limits = Limits::new(&SessionOptions { max_write: 1500, ..SessionOptions::default() });
        limits.learn_buffers(2048, 2);
        assert_eq!(limits.window(), 1);
    }
}
