//! The conversation in a snapshot: options, learnt limits, measured round trip, numbering, counters.

use super::{Conversation, Counters, Framing, Reassembly, SessionOptions, SmpVersion};
use crate::failure::Failure;
use crate::smp::Version;
use crate::snapshot::{Reader, Writer, damaged};

/// With the framing: the figures of a carrier that takes several writes in one call follow.
const BATCHES: u8 = 0x80;

impl SessionOptions {
    pub(crate) fn save(&self, out: &mut Writer) {
        let batches = self.batch_frames != 0;
        out.u8(self.framing as u8 | if batches { BATCHES } else { 0 });
        out.u8(self.smp_version as u8);
        out.u8(self.reassembly as u8);
        for field in [
            self.max_write,
            self.max_frame,
            self.window,
            self.nonce,
            self.rtt_hint_ms,
            self.first_timeout_ms,
            self.last_timeout_ms,
            self.timeout_ms,
            self.retries,
            self.stall_timeout_ms,
            self.write_interval_ms,
        ] {
            out.u32(field);
        }
        if batches {
            out.u8(self.batch_frames as u8);
            out.u32(self.batch_bytes);
            out.u16(self.batch_gap_ms as u16);
        }
    }

    pub(crate) fn load(from: &mut Reader<'_>) -> Result<SessionOptions, Failure> {
        let framing = from.u8()?;
        let mut options = SessionOptions {
            framing: match framing & !BATCHES {
                0 => Framing::Raw,
                1 => Framing::Serial,
                _ => return Err(damaged("its framing is unknown")),
            },
            smp_version: match from.u8()? {
                0 => SmpVersion::Auto,
                1 => SmpVersion::V1,
                2 => SmpVersion::V2,
                _ => return Err(damaged("its protocol version is unknown")),
            },
            reassembly: load_reassembly(from)?,
            max_write: from.u32()?,
            max_frame: from.u32()?,
            window: from.u32()?,
            nonce: from.u32()?,
            rtt_hint_ms: from.u32()?,
            first_timeout_ms: from.u32()?,
            last_timeout_ms: from.u32()?,
            timeout_ms: from.u32()?,
            retries: from.u32()?,
            stall_timeout_ms: from.u32()?,
            write_interval_ms: from.u32()?,
            ..SessionOptions::default()
        };
        if framing & BATCHES != 0 {
            options.batch_frames = u32::from(from.u8()?);
            options.batch_bytes = from.u32()?;
            options.batch_gap_ms = u32::from(from.u16()?);
        }
        options.check().map_err(|failure| damaged(&failure.sentence))?;
        Ok(options)
    }
}

fn load_reassembly(from: &mut Reader<'_>) -> Result<Reassembly, Failure> {
    match from.u8()? {
        0 => Ok(Reassembly::Auto),
        1 => Ok(Reassembly::Yes),
        2 => Ok(Reassembly::No),
        _ => Err(damaged("what it says of reassembly is unknown")),
    }
}

/// A counter that a session holds in two bytes.
fn seldom(from: &mut Reader<'_>) -> Result<u16, Failure> {
    Ok(u16::try_from(from.u32()?).unwrap_or(u16::MAX))
}

impl Conversation {
    pub fn save(&self, out: &mut Writer) {
        self.options.save(out);
        out.u8(self.version as u8);
        out.u8(self.sequence);
        out.bool(self.answered);
        let (max_write, buf_size, buf_count, ceiling, reassembly) = self.limits.parts();
        for field in [max_write, buf_size, buf_count, ceiling] {
            out.u32(field);
        }
        out.u8(reassembly as u8);
        let (smoothed8, variation4) = self.rtt.parts();
        out.u32(smoothed8);
        out.u32(variation4);
        let counters = &self.counters;
        for field in [
            counters.sent,
            counters.retransmissions,
            counters.expected,
            u32::from(counters.late),
            u32::from(counters.duplicate),
            u32::from(counters.foreign),
            u32::from(counters.undecodable),
            u32::from(counters.link_resets),
        ] {
            out.u32(field);
        }
    }

    /// With `options` of the caller in place of the saved ones, if it gave any.
    pub fn load(from: &mut Reader<'_>, options: Option<SessionOptions>) -> Result<Conversation, Failure> {
        let saved = SessionOptions::load(from)?;
        let mut talk = Conversation::new(options.unwrap_or(saved));
        let version = match from.u8()? {
            0 => Version::V1,
            1 => Version::V2,
            _ => return Err(damaged("its protocol version is unknown")),
        };
        talk.adopt_version(version);
        talk.doubt_version();
        talk.sequence = from.u8()?;
        talk.answered = from.bool()?;
        let max_write = from.u32()?;
        let (buf_size, buf_count, ceiling) = (from.u32()?, from.u32()?, from.u32()?);
        let reassembly = load_reassembly(from)?;
        if options.is_none() {
            talk.limits.set_max_write(max_write);
        }
        talk.limits.restore(buf_size, buf_count, ceiling, reassembly);
        let (smoothed8, variation4) = (from.u32()?, from.u32()?);
        talk.rtt.restore(smoothed8, variation4);
        talk.counters = Counters {
            sent: from.u32()?,
            retransmissions: from.u32()?,
            expected: from.u32()?,
            late: seldom(from)?,
            duplicate: seldom(from)?,
            foreign: seldom(from)?,
            undecodable: seldom(from)?,
            link_resets: seldom(from)?,
            ..Counters::default()
        };
        Ok(talk)
    }
}
