//! What a request adds to the conversation.

use super::{Asked, Mark, REMEMBERED, Talk, Upload};
use crate::diagnose::{Glance, Noticed};
use crate::failure::Finding;
use crate::smp::group;
use crate::trace::assembly::Whole;

/// Where terminals and loggers cut their lines.
const LOG_WIDTHS: [usize; 10] = [80, 100, 120, 132, 160, 200, 255, 256, 512, 1024];

impl Talk {
    pub(super) fn request(&mut self, whole: &Whole, mark: Mark) -> Vec<String> {
        let glance = &whole.glance;
        let mut said = Vec::new();
        if whole.cut {
            self.cut_request(whole, mark);
        }
        let mistake = self.mistakes(whole, mark);
        if whole.sum != 0
            && let Some(before) = self.asked.iter().rev().find(|asked| asked.sum == whole.sum)
        {
            said.push(format!("The same frame as #{}, sequence number included.", before.mark.frame));
            self.repeated_requests.add(mark, || "a request was sent again as it was".to_owned());
            return said;
        }
        if let Some(before) = self.asked.back().filter(|_| glance.sequence.is_some()) {
            if before.sequence == glance.sequence {
                self.same_sequence += 1;
            } else {
                self.other_sequence += 1;
            }
        }
        let (group, command) = (glance.group, glance.command);
        if group == group::IMAGE {
            match command {
                group::image::UPLOAD => said.extend(self.upload_request(whole, mark)),
                group::image::STATE => self.state_request(glance, mark),
                group::image::ERASE => self.stages.erased = Some(mark),
                _ => {}
            }
        } else if (group, command) == (group::OS, group::os::RESET) {
            let midway =
                self.upload.as_ref().is_some_and(|upload| upload.stands_still() && upload.reached > 0);
            if midway && self.stages.mark_accepted {
                // A further image was under way.
            } else if midway {
                self.stages.reset_midway = Some(mark);
            }
            self.stages.reset = Some(mark);
            self.stages.resets += 1;
            self.stages.link_up_after_reset = None;
            self.stages.answered_after_reset = None;
            self.stages.listed_after_reset = None;
        }
        if self.stages.reset.is_some_and(|reset| reset != mark) {
            self.stages.asked_after_reset.get_or_insert(mark);
        }
        self.unanswered_tail += 1;
        if self.asked.len() == REMEMBERED {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked {
            mark,
            op: glance.op,
            group,
            command,
            sequence: glance.sequence,
            length: glance.length.max(8 + glance.announced),
            off: glance.off,
            end: glance.end(),
            sum: whole.sum,
            cut: whole.cut || glance.off.is_some() && glance.data.is_none(),
            pieces: whole.pieces,
            answered: None,
            mistake,
        });
        said
    }

    /// A request that ends before its length, in the trace at least.
    fn cut_request(&mut self, whole: &Whole, mark: Mark) {
        let length = whole.glance.length;
        let usual = LOG_WIDTHS.iter().any(|width| whole.width.abs_diff(*width) <= 1);
        if whole.width > 0 && usual {
            self.cut_width = whole.width;
            self.file_cut
                .add(mark, || format!("lines end at column {} in the middle of a frame", whole.width));
        } else {
            self.last_cut = Some(mark);
            self.requests_cut_alike =
                self.requests_cut_at.is_none_or(|before| self.requests_cut_alike && before == length);
            self.requests_cut_at = Some(length);
            self.requests_cut.add(mark, || {
                format!("the header announces {} bytes and {length} are there", 8 + whole.glance.announced)
            });
        }
    }

    /// Notes the mistakes of a client that explain a failure; the first of them.
    fn mistakes(&mut self, whole: &Whole, mark: Mark) -> Option<Finding> {
        let mut first = None;
        if whole.mangled {
            first = Some(Finding::BinaryAsText);
            self.mangled(mark);
        }
        for Noticed { code, text, .. } in &whole.glance.noticed {
            if whole.cut && matches!(*code, "frame_cut" | "body_not_cbor") {
                continue;
            }
            if let Some(finding) = of_code(code) {
                first.get_or_insert(finding);
                self.mistakes.entry(finding).or_default().add(mark, || text.clone());
            }
            if *code == "frame_over_244" {
                self.too_long.add(mark, || text.clone());
            }
        }
        first
    }

    pub(super) fn mangled(&mut self, mark: Mark) {
        self.mistakes.entry(Finding::BinaryAsText).or_default().add(mark, || {
            "the bytes from 80 on became two or three each, as when binary passes through a text".to_owned()
        });
    }

    fn upload_request(&mut self, whole: &Whole, mark: Mark) -> Vec<String> {
        let glance = &whole.glance;
        let mut said = Vec::new();
        let Some(off) = glance.off else { return said };
        let length = glance.length.max(8 + glance.announced);
        if let Some(time) = whole.place.time_ms {
            let (from, _) = self.upload_times.unwrap_or((time, time));
            self.upload_times = Some((from, time));
        }
        if off > 0 && glance.data == Some(0) {
            // Nothing is written: it asks where the device stands.
            said.push("It writes nothing and asks where the upload stands.".to_owned());
            return said;
        }
        if off == 0 {
            if let Some(upload) =
                self.upload.as_ref().filter(|upload| upload.complete && upload.first_sum == whole.sum)
                && whole.sum != 0
            {
                let frame = upload.first.map_or(0, |first| first.frame);
                said.push(format!(
                    "#{frame} comes again behind the end of its upload: it erases what was uploaded."
                ));
                self.late_first.add(mark, || {
                    format!("the first chunk (#{frame}) came again behind the end of its upload")
                });
            }
            let again = self.upload.as_ref().is_some_and(|upload| {
                upload.first.is_some() && upload.stands_still() && Some(&upload.sha) == glance.sha.as_ref()
            });
            if let Some(upload) = self.upload.as_mut().filter(|_| again) {
                upload.repeated_chunks += 1;
                upload.last = Some(mark);
                said.push("The first chunk again.".to_owned());
                return said;
            }
            self.stages.listed_after_upload = None;
            self.upload = Some(Upload {
                first: Some(mark),
                last: Some(mark),
                image: glance.image,
                len: glance.len,
                sha: glance.sha.clone().unwrap_or_default(),
                first_sum: whole.sum,
                first_length: length,
                first_end: glance.end().unwrap_or(0),
                sent: glance.end().unwrap_or(0),
                chunks: 1,
                ..Upload::default()
            });
            return said;
        }
        let open = self
            .asked
            .iter()
            .rev()
            .take_while(|asked| asked.answered.is_none())
            .filter(|asked| (asked.group, asked.command) == (group::IMAGE, group::image::UPLOAD))
            .count() as u64;
        let both = self.responses > 0 || self.requests > 3;
        let most = self.buf_count.map_or(3, |count| count.saturating_sub(1).max(1));
        let upload =
            self.upload.get_or_insert_with(|| Upload { midway: true, reached: off, ..Upload::default() });
        upload.last = Some(mark);
        upload.chunks += 1;
        let first_open = upload.first.is_some() && upload.first_answered.is_none() && !upload.midway && both;
        if upload.wanted == Some(off) {
            upload.wanted = None;
            upload.not_followed = 0;
        } else if let Some(wanted) = upload.wanted {
            upload.not_followed += 1;
            if upload.not_followed > most || open == 0 {
                said.push(format!("The device asked for {wanted} and gets {off}."));
                self.ignored_off.add(mark, || format!("the device asked for {wanted} and got {off}"));
            }
        }
        if off < upload.sent {
            upload.repeated_chunks += 1;
        } else if (open >= most || first_open) && off >= upload.sent && off > upload.reached {
            self.ran_ahead
                .add(mark, || format!("the chunk at {off} was sent while {open} before it were unanswered"));
            if first_open {
                said.push("The first chunk is still unanswered.".to_owned());
            } else {
                said.push(format!("{open} chunks before it are unanswered."));
            }
        }
        let end = glance.end().unwrap_or(off);
        upload.sent = upload.sent.max(end);
        upload.silent.add(mark, || format!("{length} bytes"));
        upload.silent_least = if upload.silent.count == 1 { length } else { upload.silent_least.min(length) };
        upload.silent_most = upload.silent_most.max(length);
        said
    }

    fn state_request(&mut self, glance: &Glance, mark: Mark) {
        if glance.op == Some(crate::smp::Op::Write) {
            if glance.hash.is_some() {
                self.stages.marked = Some(mark);
                self.stages.marked_for_good = glance.confirm;
                self.marked_hash = glance.hash.clone().unwrap_or_default();
                let listed = self.list.iter().flatten().find(|image| image.hash == self.marked_hash);
                self.marked_version = listed.map_or_else(String::new, |image| image.version.clone());
                let sha = self.upload.as_ref().map(|upload| &upload.sha);
                if !self.marked_hash.is_empty() && sha == Some(&self.marked_hash) {
                    self.mistakes.entry(Finding::FileDigestAsHash).or_default().add(mark, || {
                        "\"hash\" is the \"sha\" of the upload, the SHA-256 of the file".to_owned()
                    });
                }
            } else if glance.confirm {
                self.stages.confirmed = Some(mark);
            }
        } else {
            self.list_unanswered += 1;
        }
    }
}

/// The cause that a finding about a single frame stands for, where it explains why an update fails.
fn of_code(code: &str) -> Option<Finding> {
    Some(match code {
        "length_too_small" | "length_too_large" | "length_byte_order" => Finding::HeaderLengthWrong,
        "utf8_encoded" | "utf8_replaced" | "text_not_bytes" | "body_is_text" | "data_is_encoded" => {
            Finding::BinaryAsText
        }
        "upload_elsewhere"
        | "op_wrong"
        | "group_unknown"
        | "group_byte_order"
        | "group_not_in_zephyr"
        | "command_unknown" => Finding::WrongCommand,
        "data_is_text" | "data_is_array" | "sha_is_text" | "hash_is_text" | "field_type" => {
            Finding::FieldType
        }
        "len_missing" => Finding::LengthMissing,
        "not_an_mcuboot_image" | "first_chunk_too_short" | "len_below_image" => Finding::NotAnImage,
        "hash_is_file_digest" => Finding::FileDigestAsHash,
        _ => return None,
    })
}
