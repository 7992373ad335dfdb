//! The pool of message buffers, shared by requests and responses. A packet that finds none is lost without a word.

use super::VirtualDevice;
use super::options::Transport;
use super::reassembly::Collected;

/// A packet in a message buffer.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) since: u64,
    pub(super) connection: u32,
    pub(super) packet: Vec<u8>,
}

impl VirtualDevice {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let options = &self.server.options;
        let buf_size = options.buf_size as usize;
        let free = self.buffers_used() < options.buf_count as usize;
        if options.transport == Transport::Ble && options.reassembly {
            let spare = &mut self.spare;
            let collected =
                self.reassembly.collect(bytes, buf_size, free, || spare.pop().unwrap_or_default());
            match collected {
                Collected::Partial => {}
                Collected::Frame(frame) => self.enqueue(frame),
                Collected::Dropped => self.counters.dropped_writes += 1,
                Collected::NoBuffer => self.counters.no_buffer += 1,
            }
            return;
        }
        if !free {
            self.counters.no_buffer += 1;
            return;
        }
        let mut bytes = bytes;
        if bytes.len() > buf_size {
            if options.transport == Transport::Ble {
                self.counters.dropped_writes += 1;
                return;
            }
            bytes = &bytes[..buf_size];
        }
        let mut packet = self.spare.pop().unwrap_or_default();
        packet.extend_from_slice(bytes);
        self.enqueue(packet);
    }

    pub(super) fn enqueue(&mut self, packet: Vec<u8>) {
        self.queue.push_back(Waiting { since: self.now, connection: self.connection, packet });
    }

    /// Message buffers in use: waiting requests, a half frame, the request at work and its response.
    pub(super) fn buffers_used(&self) -> usize {
        let work = self.work.as_ref().map_or(0, |w| 1 + usize::from(w.response_buffer));
        self.queue.len() + usize::from(self.reassembly.holds_buffer()) + work
    }
}
