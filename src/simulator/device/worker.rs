//! The server's thread: takes one request after another out of its buffer, and spends the time that each one costs.

use super::VirtualDevice;
use super::answer::rc;
use super::bootloader::Boot;
use super::buffers::Waiting;
use super::options::Transport;
use super::quirks::ComingBack;
use super::server::{HEADER, Header, READ, WRITE};

/// The request in the worker's hands.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) connection: u32,
    pub(super) packet: Vec<u8>,
    pub(super) at: usize,
    pub(super) until: u64,
    pub(super) answer: Option<Vec<u8>>,
    /// A second buffer is taken for the response.
    pub(super) response_buffer: bool,
    pub(super) goes_on: bool,
}

impl VirtualDevice {
    pub(super) fn next_internal(&self) -> Option<u64> {
        if self.booted_at.is_some() {
            return self.booted_at;
        }
        let stuck = self.frozen || self.server.hung;
        let work = match &self.work {
            _ if stuck => None,
            Some(work) => Some(work.until),
            None => self
                .queue
                .front()
                .map(|w| w.since.saturating_add(self.server.options.wake_us).max(self.idle_since)),
        };
        work.into_iter().chain(self.reboot_at).min()
    }

    /// Runs the device up to this time.
    pub(super) fn advance(&mut self, now: u64) {
        while let Some(at) = self.next_internal().filter(|at| *at <= now) {
            self.now = self.now.max(at);
            if self.booted_at.is_some() {
                self.booted_at = None;
            } else if self.reboot_at == Some(at) {
                self.restart();
            } else if self.work.is_some() {
                self.finish_request();
            } else if let Some(Waiting { packet, connection, .. }) = self.queue.pop_front() {
                let work = Work {
                    connection,
                    packet,
                    at: 0,
                    until: at,
                    answer: None,
                    response_buffer: false,
                    goes_on: true,
                };
                self.work = Some(work);
                self.start_request();
            }
        }
        self.now = self.now.max(now);
    }

    /// Takes up the next request of the packet at work, or puts the packet away.
    pub(super) fn start_request(&mut self) {
        // The response of the request before was sent, so its buffer is free again.
        let used = self.buffers_used() - self.work.as_ref().map_or(0, |w| usize::from(w.response_buffer));
        let free = used < self.server.options.buf_count as usize;
        let Some(work) = self.work.as_mut() else { return };
        work.answer = None;
        work.response_buffer = false;
        let rest = &work.packet[work.at..];
        let Some(header) = Header::parse(rest).filter(|_| work.goes_on) else {
            // Fewer than 8 bytes: nothing that could be answered.
            self.put_away();
            return;
        };
        let mut spent = 0;
        let new = self.server.options.is_new();
        match rest.get(HEADER..HEADER + header.length) {
            None => {
                work.answer = Some(self.server.error(&header, rc::CORRUPT));
                work.goes_on = false;
            }
            Some(_) if new && header.op != READ && header.op != WRITE => {
                work.answer = Some(self.server.error(&header, rc::NOT_SUPPORTED));
                work.goes_on = false;
            }
            Some(_) if !free => {
                self.counters.no_response_buffer += 1;
                work.answer = Some(self.server.error(&header, rc::NO_MEMORY));
                work.goes_on = false;
            }
            Some(body) => {
                let (answer, goes_on, time) = self.server.handle(self.now, &header, body);
                work.answer = Some(answer);
                work.goes_on = goes_on;
                work.response_buffer = true;
                work.at += HEADER + header.length;
                spent = time;
            }
        }
        self.counters.requests += 1;
        work.until = self.now.saturating_add(self.server.options.request_us.saturating_add(spent));
    }

    pub(super) fn finish_request(&mut self) {
        if let Some(work) = self.work.as_mut()
            && let Some(answer) = work.answer.take().filter(|answer| !answer.is_empty())
        {
            if work.connection == self.connection {
                self.send(answer)
            } else {
                self.counters.lost_answers += 1
            }
        }
        if self.reboot_at.is_none() {
            self.reboot_at = self.server.resets_itself_at.take();
        }
        if std::mem::take(&mut self.server.reset_requested) {
            let asked = self.now.saturating_add(self.server.options.reset_delay_us);
            // The first reset that was asked for, or one of its own, whichever comes sooner.
            self.reboot_at = Some(self.reboot_at.map_or(asked, |own| own.min(asked)));
        }
        self.start_request();
    }

    pub(super) fn put_away(&mut self) {
        if let Some(mut work) = self.work.take() {
            work.packet.clear();
            if self.spare.len() < 16 {
                self.spare.push(work.packet);
            }
        }
        self.idle_since = self.now;
    }

    pub(super) fn send(&mut self, frame: Vec<u8>) {
        if !self.connected {
            self.counters.lost_answers += 1;
            return;
        }
        self.counters.answers += 1;
        if self.server.options.transport == Transport::Serial {
            let pieces = self.console.encode(&frame, self.now);
            self.out.extend(pieces.into_iter().map(|piece| (self.now, piece)));
            return;
        }
        let piece = self.server.options.max_write.max(1) as usize;
        if self.server.options.transport != Transport::Ble || frame.len() <= piece {
            self.out.push_back((self.now, frame));
            return;
        }
        for piece in frame.chunks(piece) {
            self.out.push_back((self.now, piece.to_vec()));
        }
    }

    pub(super) fn restart(&mut self) {
        self.reboot_at = None;
        self.work = None;
        self.queue.clear();
        self.reassembly.clear();
        self.console.clear();
        self.frozen = false;
        self.away = self.server.options.quirks.coming_back != ComingBack::AsBefore;
        self.server.restart();
        let Boot { spent, swapped, reverted, refused } = {
            let asked = std::mem::take(&mut self.server.boot_mode);
            self.server.boot.boot(&self.server.options, asked)
        };
        self.counters.boots += 1;
        self.counters.swaps += u64::from(swapped);
        self.counters.reverts += u64::from(reverted);
        self.counters.refused += u64::from(refused);
        self.idle_since = self.now.saturating_add(spent);
        self.booted_at = Some(self.idle_since);
    }
}
