//! The state of device and link for a person.

use super::VirtualLink;

impl VirtualLink {
    /// What a person wants to know: slots, running version, counters. The names are those of the C interface.
    pub fn describe(&mut self) -> serde_json::Value {
        let running = self.device.running().map(|v| v.to_string());
        let slots: Vec<_> = self.device.slots().iter().map(|slot| {
            serde_json::json!({
                "image": slot.image, "slot": slot.slot, "version": slot.version.to_string(),
                "hash": slot.hash.iter().map(|b| format!("{b:02x}")).collect::<String>(), "valid": slot.valid,
                "active": slot.flags.active, "confirmed": slot.flags.confirmed,
                "pending": slot.flags.pending, "permanent": slot.flags.permanent,
            })
        }).collect();
        let (device, link) = (self.device.counters(), self.counters());
        serde_json::json!({
            "profile": self.device.options().profile.name(),
            "running": running,
            "slots": slots,
            "up": self.device.is_up(),
            "device": {
                "requests": device.requests, "answers": device.answers, "no_buffer": device.no_buffer,
                "no_response_buffer": device.no_response_buffer, "dropped_writes": device.dropped_writes,
                "unheard": device.unheard, "lost_answers": device.lost_answers, "boots": device.boots,
                "swaps": device.swaps, "reverts": device.reverts, "refused": device.refused,
            },
            "link": {
                "frames_down": link.frames_down, "bytes_down": link.bytes_down, "frames_up": link.frames_up,
                "lost_down": link.lost_down, "lost_up": link.lost_up, "duplicated": link.duplicated,
                "reordered": link.reordered, "truncated": link.truncated, "drops": link.drops,
                "fault_acts": link.fault_acts,
            },
        })
    }
}
