//! How many upload frames may be unanswered: what the device can hold, less what the link shows.

/// The window of an upload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    size: u16,
    /// Frames settled since the last change.
    settled: u16,
    lost: u16,
    /// Frames settled since the device last said that it has no room.
    since_refusal: u16,
    /// How many frames must pass before the window opens by one; doubles each time that opening was wrong.
    reopen_after: u16,
}

/// The most frames to wait before trying a larger window again.
const REOPEN_MOST: u16 = 2_048;
/// After so many settled frames the share of lost ones is judged.
const JUDGED: u16 = 24;

impl Window {
    pub fn new() -> Window {
        Window { size: u16::MAX, settled: 0, lost: 0, since_refusal: JUDGED, reopen_after: 32 }
    }

    /// The window under the limit that the device and the caller set.
    pub fn size(&self, limit: u32) -> u32 {
        u32::from(self.size).min(limit).max(1)
    }

    /// The device said that it has no room. Returns whether the window became smaller.
    ///
    /// Once in a while that is the doing of a request that came twice; soon again it means that the device has fewer buffers
    /// to spare than the window takes.
    pub fn refused(&mut self, limit: u32) -> bool {
        let soon = std::mem::take(&mut self.since_refusal) < JUDGED;
        soon && self.close(limit)
    }

    /// `lost` of `settled` frames did not reach the device. Returns whether the window changed.
    pub fn settled(&mut self, limit: u32, settled: u32, lost: u32) -> bool {
        // Judged and set back long before these could overflow.
        self.settled = self.settled.saturating_add(settled as u16);
        self.lost = self.lost.saturating_add(lost as u16);
        self.since_refusal = self.since_refusal.saturating_add(settled as u16);
        let size = self.size(limit);
        // Random loss at a few per cent is no reason to send less; a third of all frames means that the device or the
        // gateway drops what comes together.
        if self.settled >= JUDGED && size > 1 && self.lost * 3 > self.settled {
            return self.close(limit);
        }
        if self.settled >= self.reopen_after {
            self.settled = 0;
            self.lost = 0;
            if u32::from(self.size) < limit {
                self.size += 1;
                return true;
            }
        }
        false
    }

    fn close(&mut self, limit: u32) -> bool {
        let size = self.size(limit);
        let smaller = (size - 1).max(1);
        if self.size != u16::MAX {
            self.reopen_after = (self.reopen_after * 2).min(REOPEN_MOST);
        }
        self.size = smaller as u16;
        self.settled = 0;
        self.lost = 0;
        smaller < size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_per_cent_of_loss_leave_the_window_open() {
        let mut window = Window::new();
        for n in 0..10_000 {
            window.settled(3, 1, u32::from(n % 12 == 0));
        }
        assert_eq!(window.size(3), 3);
    }

    #[test]
    fn a_device_that_drops_every_second_frame_gets_one_at_a_time() {
        let mut window = Window::new();
        for n in 0..48 {
            window.settled(2, 1, n % 2);
        }
        assert_eq!(window.size(2), 1);
    }

    #[test]
    fn a_refusal_closes_and_good_frames_open_again() {
        let mut window = Window::new();
        assert!(!window.refused(3), "a copy of a request may have held the buffer");
        assert!(window.refused(3));
        assert_eq!(window.size(3), 2);
        for _ in 0..32 {
            window.settled(3, 1, 0);
        }
        assert_eq!(window.size(3), 3);
        for _ in 0..3 {
            window.refused(3);
        }
        assert!(!window.refused(3));
        assert_eq!(window.size(3), 1);
    }
}
