//! The conversation with one device, followed through a trace in constant memory.

mod answers;
mod requests;

use super::assembly::Whole;
use super::figures::Histogram;
use super::told::{Event, Place};
use crate::diagnose::Listed;
use crate::failure::Finding;
use crate::smp::{DeviceError, Op};
use std::collections::{BTreeMap, VecDeque};

/// How many requests are remembered for their answers: all sequence numbers are 256, nobody has more than a few open.
const REMEMBERED: usize = 64;
/// How many frames stand as evidence for one thing; further ones are counted.
const MOST_MARKS: usize = 4;
/// How many different errors of the device are kept.
const MOST_REFUSALS: usize = 8;

/// A frame as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its number among the frames of the trace, from 1.
    pub(super) frame: u64,
    pub(super) place: Place,
}

/// Something that was seen: how often, and where first.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    pub(super) count: u64,
    pub(super) marks: Vec<Mark>,
    /// What was said of it first.
    pub(super) text: String,
}

impl Evidence {
    pub(super) fn add(&mut self, mark: Mark, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.marks.len() < MOST_MARKS {
            self.marks.push(mark);
        }
        if self.text.is_empty() {
            self.text = text();
        }
    }
}

/// A request that was seen.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) mark: Mark,
    pub(super) op: Option<Op>,
    pub(super) group: u16,
    pub(super) command: u8,
    pub(super) sequence: Option<u8>,
    pub(super) length: usize,
    pub(super) off: Option<u64>,
    pub(super) end: Option<u64>,
    pub(super) sum: u32,
    /// It ends before its length, or before its data, in the trace at least.
    pub(super) cut: bool,
    /// In how many pieces it went out.
    pub(super) pieces: u32,
    /// When it was answered first.
    pub(super) answered: Option<Mark>,
    /// What is wrong with it, as far as that explains a failure.
    pub(super) mistake: Option<Finding>,
}

/// An upload of one image.
#[derive(Debug, Clone, Default)]
pub(super) struct Upload {
    pub(super) first: Option<Mark>,
    pub(super) last: Option<Mark>,
    pub(super) image: Option<u64>,
    pub(super) len: Option<u64>,
    pub(super) sha: Vec<u8>,
    pub(super) first_sum: u32,
    pub(super) first_length: usize,
    pub(super) first_end: u64,
    pub(super) first_answered: Option<Mark>,
    /// How far the device has got, by its own word.
    pub(super) reached: u64,
    pub(super) reached_at: Option<Mark>,
    /// The end of the farthest chunk.
    pub(super) sent: u64,
    pub(super) chunks: u64,
    pub(super) repeated_chunks: u64,
    pub(super) complete: bool,
    pub(super) midway: bool,
    /// What the device asked for last, and how often in a row without progress.
    pub(super) wanted: Option<u64>,
    pub(super) asked_again: Evidence,
    /// Chunks since the device asked for something else than what comes next.
    pub(super) not_followed: u64,
    /// The frame at which the device first stood still, while requests went on.
    pub(super) sizes_passed: usize,
    /// The shortest chunk without an answer since the last progress, and the longest.
    pub(super) silent: Evidence,
    pub(super) silent_least: usize,
    pub(super) silent_most: usize,
}

impl Upload {
    pub(super) fn stands_still(&self) -> bool {
        !self.complete
    }
}

/// The stages of an update, each with the frames at which it began.
#[derive(Debug, Default)]
pub(super) struct Stages {
    pub(super) listed: Option<Mark>,
    pub(super) listed_after_upload: Option<Mark>,
    pub(super) marked: Option<Mark>,
    pub(super) mark_accepted: bool,
    pub(super) marked_for_good: bool,
    pub(super) reset: Option<Mark>,
    pub(super) resets: u64,
    pub(super) reset_midway: Option<Mark>,
    pub(super) answered_after_reset: Option<Mark>,
    pub(super) asked_after_reset: Option<Mark>,
    pub(super) link_up_after_reset: Option<Mark>,
    pub(super) listed_after_reset: Option<Mark>,
    pub(super) confirmed: Option<Mark>,
    /// A list showed the marked image running.
    pub(super) ran: Option<Mark>,
    pub(super) erased: Option<Mark>,
}

/// An error of the device.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) error: DeviceError,
    pub(super) group: u16,
    pub(super) command: u8,
    pub(super) reason: Option<String>,
    pub(super) evidence: Evidence,
    /// Each request that it answers is known to have gone out in several pieces.
    pub(super) in_pieces: bool,
    /// Whether a later request of the kind succeeded.
    pub(super) overcome: bool,
}

/// Everything that the verdict is made from.
#[derive(Debug, Default)]
pub(super) struct Talk {
    pub(super) frames: u64,
    pub(super) requests: u64,
    pub(super) responses: u64,
    pub(super) asked: VecDeque<Asked>,
    pub(super) upload: Option<Upload>,
    pub(super) uploads_complete: u64,
    pub(super) stages: Stages,
    pub(super) list: Option<Vec<Listed>>,
    /// The active hash before the reset.
    pub(super) active_before: Vec<u8>,
    pub(super) marked_hash: Vec<u8>,
    /// The version that the list gave the image that was marked.
    pub(super) marked_version: String,
    /// Whether any list showed any image.
    pub(super) listed_any: bool,
    pub(super) refusals: Vec<Refusal>,
    /// Mistakes in requests, by what they are the cause of.
    pub(super) mistakes: BTreeMap<Finding, Evidence>,
    /// Of those, how often the device took the request all the same.
    pub(super) taken_anyway: BTreeMap<Finding, u64>,
    pub(super) repeated_requests: Evidence,
    pub(super) replayed: Evidence,
    pub(super) foreign: Evidence,
    pub(super) late: Evidence,
    pub(super) not_taken: Evidence,
    pub(super) ran_ahead: Evidence,
    pub(super) off_unclear: Evidence,
    pub(super) lost_chunks: Evidence,
    pub(super) made_good: u64,
    pub(super) restarted: Evidence,
    pub(super) late_first: Evidence,
    pub(super) ignored_off: Evidence,
    pub(super) flash_refuses: Evidence,
    pub(super) answers_cut: Evidence,
    pub(super) answers_cut_at: Option<usize>,
    pub(super) answers_cut_alike: bool,
    pub(super) answers_empty: Evidence,
    pub(super) answers_garbled: Evidence,
    pub(super) garbled_since: u64,
    pub(super) requests_cut: Evidence,
    pub(super) requests_cut_at: Option<usize>,
    /// All of them end after as many bytes.
    pub(super) requests_cut_alike: bool,
    /// Of those, how many the device took whole.
    pub(super) cut_and_taken: u64,
    /// Frames of which a log shows the first bytes alone.
    pub(super) in_part: u64,
    pub(super) last_cut: Option<Mark>,
    pub(super) too_long: Evidence,
    pub(super) file_cut: Evidence,
    pub(super) cut_width: usize,
    pub(super) digest_wrong: Evidence,
    pub(super) same_sequence: u64,
    pub(super) other_sequence: u64,
    pub(super) longest_answered: usize,
    pub(super) longest_answer: usize,
    pub(super) short_answered: u64,
    pub(super) unanswered_tail: u64,
    pub(super) buf_count: Option<u64>,
    pub(super) buf_size: Option<u64>,
    pub(super) sequences_known: bool,
    pub(super) round_trip: Histogram,
    pub(super) first_time: Option<u64>,
    pub(super) last_time: Option<u64>,
    pub(super) upload_times: Option<(u64, u64)>,
    pub(super) upload_bytes: u64,
    pub(super) link_downs: Evidence,
    pub(super) reconnects: u64,
    pub(super) mtu: Option<u32>,
    pub(super) mtu_now: Option<u32>,
    pub(super) notifications_now: Option<bool>,
    /// Whether the trace shows that somebody switched them on.
    pub(super) subscribed: bool,
    pub(super) frames_since_reconnect: u64,
    pub(super) att_errors: BTreeMap<u8, Evidence>,
    pub(super) pairing_failed: Evidence,
    pub(super) bonds_lost: Evidence,
    /// Whether the trace shows a link coming up.
    pub(super) connected: bool,
    /// The number of the last frame that was an answer.
    pub(super) last_answer: u64,
    pub(super) last_mark: Option<Mark>,
    pub(super) list_unanswered: u64,
    pub(super) others_answered_after_list: bool,
}

impl Talk {
    /// Takes the next frame; what is to be said beside it.
    pub(super) fn frame(&mut self, whole: &Whole, number: u64) -> Vec<String> {
        let mark = Mark { frame: number, place: whole.place };
        self.frames += 1;
        self.in_part += u64::from(whole.glance.in_part);
        self.frames_since_reconnect += 1;
        self.last_mark = Some(mark);
        self.sequences_known |= whole.glance.sequence.is_some();
        if let Some(time) = whole.place.time_ms {
            self.first_time.get_or_insert(time);
            self.last_time = Some(time);
        }
        if whole.glance.is_request() {
            self.requests += 1;
            self.request(whole, mark)
        } else if whole.glance.is_response() {
            self.responses += 1;
            self.last_answer = number;
            self.response(whole, mark)
        } else {
            Vec::new()
        }
    }

    /// Takes what the trace says of the link; what is to be said of it.
    pub(super) fn event(&mut self, event: Event, place: Place) -> String {
        let mark = Mark { frame: self.frames, place };
        match event {
            Event::LinkDown(reason) => {
                // After a reset the link goes down: that is as it should be.
                if self.stages.reset.is_none() {
                    self.link_downs.add(mark, || "the link went down".to_owned());
                }
                self.mtu = self.mtu_now.take().or(self.mtu);
                self.notifications_now = None;
                match reason {
                    Some(reason) => {
                        format!("The link goes down, reason {reason:#04x}{}.", reason_name(reason))
                    }
                    None => "The link goes down.".to_owned(),
                }
            }
            Event::LinkUp => {
                self.reconnects += u64::from(self.link_downs.count > 0);
                self.frames_since_reconnect = 0;
                self.connected = true;
                if self.stages.reset.is_some() {
                    self.stages.link_up_after_reset.get_or_insert(mark);
                }
                "The link is up.".to_owned()
            }
            Event::Mtu(mtu) => {
                self.mtu_now = Some(mtu);
                format!("The ATT MTU is {mtu}: a write carries {} bytes.", mtu.saturating_sub(3))
            }
            Event::Notifications(on) => {
                self.notifications_now = Some(on);
                self.subscribed |= on;
                format!("Notifications are {}.", if on { "on" } else { "off" })
            }
            Event::Pairing(None) => "Pairing is asked for.".to_owned(),
            Event::Pairing(Some(reason)) => {
                self.pairing_failed.add(mark, || format!("pairing failed with reason {reason:#04x}"));
                format!("Pairing failed, reason {reason:#04x}.")
            }
            Event::BondsLost => {
                self.bonds_lost.add(mark, || "the link came up without its bonds".to_owned());
                "The bonds are lost.".to_owned()
            }
            Event::Encrypted => "From here on the link is encrypted.".to_owned(),
            Event::AttError(code) => {
                self.att_errors.entry(code).or_default().add(mark, || att_name(code).to_owned());
                format!("ATT error {code:#04x}: {}.", att_name(code))
            }
        }
    }

    /// Whether both directions are in the trace, so that a missing answer says something.
    pub(super) fn both_ways(&self) -> bool {
        self.requests > 0 && self.responses > 0
    }

    /// The error that no later success of its kind followed.
    pub(super) fn open_refusal(&self) -> Option<&Refusal> {
        self.refusals.iter().find(|refusal| !refusal.overcome)
    }
}

/// The reasons of a disconnect that are seen with updates (Bluetooth Core Specification, volume 1, part F).
fn reason_name(reason: u8) -> &'static str {
    match reason {
        0x05 => " (authentication failed)",
        0x06 => " (a key is missing: the bond is gone at one end)",
        0x08 => " (supervision timeout; normal after a reset)",
        0x13 => " (ended by the device)",
        0x16 => " (ended by this side)",
        0x22 => " (a procedure was not answered)",
        0x3d => " (encryption failed)",
        0x3e => " (the connection was not established)",
        _ => "",
    }
}

/// The ATT errors that are seen with SMP (Bluetooth Core Specification, volume 3, part F, 3.4.1.1).
pub(super) fn att_name(code: u8) -> &'static str {
    match code {
        0x01 => "the handle is not valid",
        0x03 => "writing is not permitted",
        0x05 => "the link is not authenticated: the device asks for pairing",
        0x08 => "the link is not authorised",
        0x0c => "the encryption key is too short",
        0x0d => "the value is too long",
        0x0e => "unlikely error: the server rejects the write",
        0x0f => "the link is not encrypted: the device asks for pairing",
        0x11 => "the server has no buffer",
        0x13 => "the value is not allowed",
        0xfd => "notifications are not switched on",
        _ => "an error of the server",
    }
}
