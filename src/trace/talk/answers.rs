//! What an answer adds to the conversation.

use super::{Evidence, MOST_REFUSALS, Mark, Refusal, Talk};
use crate::diagnose::Glance;
use crate::smp::group;
use crate::trace::assembly::Whole;

/// How an answer belongs to the requests.
enum Belongs {
    /// It is the first answer to the request at this place.
    First(usize),
    /// That request was answered before.
    Again(usize),
    /// No request here has its sequence number.
    Nowhere,
    /// The trace does not tell sequence numbers.
    Unknown,
}

impl Talk {
    pub(super) fn response(&mut self, whole: &Whole, mark: Mark) -> Vec<String> {
        let glance = &whole.glance;
        let mut said = Vec::new();
        if whole.mangled {
            self.mangled(mark);
        }
        if whole.cut {
            self.cut_answer(whole, mark);
        } else {
            self.longest_answer = self.longest_answer.max(glance.length);
        }
        let belongs = self.belongs(whole);
        let mut again = false;
        match belongs {
            Belongs::First(at) => said.extend(self.first_answer(at, whole, mark)),
            Belongs::Again(at) => {
                again = true;
                let asked = &self.asked[at];
                said.push(format!("#{} was answered before.", asked.mark.frame));
                let (frame, sequence) = (asked.mark.frame, asked.sequence.unwrap_or(0));
                self.replayed
                    .add(mark, || format!("the answer to #{frame} (sequence number {sequence}) came again"));
            }
            Belongs::Nowhere if self.requests > 0 => {
                said.push("No request here has its sequence number.".to_owned());
                self.foreign.add(mark, || "an answer with a sequence number that no request has".to_owned());
            }
            Belongs::Nowhere | Belongs::Unknown => {}
        }
        if let Some(error) = glance.error {
            let in_pieces = match belongs {
                Belongs::First(at) | Belongs::Again(at) => self.asked[at].pieces > 1,
                Belongs::Nowhere | Belongs::Unknown => false,
            };
            self.refused(whole, error, in_pieces, mark);
        } else {
            for refusal in &mut self.refusals {
                refusal.overcome |=
                    (refusal.group, refusal.command) == (glance.group, glance.command) && glance.whole;
            }
        }
        if glance.announced == 0 && whole.glance.sequence.is_some() {
            self.answers_empty.add(mark, || "an answer without a body".to_owned());
        } else if !glance.whole && !whole.cut && glance.group < group::VENDOR_FIRST && whole.sum != 0 {
            self.garbled_since = self.upload.as_ref().map_or(0, |upload| upload.reached);
            self.answers_garbled.add(mark, || "an answer whose CBOR cannot be read".to_owned());
        }
        if let (Some(size), Some(count)) = (glance.buf_size, glance.buf_count) {
            (self.buf_size, self.buf_count) = (Some(size), Some(count));
        }
        if let Some(images) = &glance.images {
            self.listed(images.clone(), mark);
        } else if (glance.group, glance.command) == (group::IMAGE, group::image::STATE)
            && glance.error.is_none()
            && self.stages.marked.is_some()
        {
            self.stages.mark_accepted = true;
        }
        if glance.is_image(group::image::UPLOAD) && !again && glance.error.is_none() {
            said.extend(self.upload_answer(glance, &belongs, mark));
        }
        if self.stages.reset.is_some() && self.stages.asked_after_reset.is_some() {
            self.stages.answered_after_reset.get_or_insert(mark);
        }
        self.unanswered_tail = 0;
        said
    }

    fn belongs(&self, whole: &Whole) -> Belongs {
        let glance = &whole.glance;
        let Some(sequence) = glance.sequence else { return Belongs::Unknown };
        let same = |asked: &super::Asked| {
            asked.sequence == Some(sequence)
                && (asked.group, asked.command) == (glance.group, glance.command)
                && asked.op.map(crate::smp::Op::response) == glance.op
        };
        match self.asked.iter().rposition(same) {
            Some(at) if self.asked[at].answered.is_some() => Belongs::Again(at),
            Some(at) => Belongs::First(at),
            None => Belongs::Nowhere,
        }
    }

    fn first_answer(&mut self, at: usize, whole: &Whole, mark: Mark) -> Option<String> {
        let asked = &mut self.asked[at];
        asked.answered = Some(mark);
        let (length, finding) = (asked.length, asked.mistake);
        let is_upload = (asked.group, asked.command) == (group::IMAGE, group::image::UPLOAD);
        let time =
            whole.place.time_ms.zip(asked.mark.place.time_ms).map(|(now, then)| now.saturating_sub(then));
        let frame = asked.mark.frame;
        self.cut_and_taken += u64::from(asked.cut && whole.glance.off > asked.end.or(asked.off));
        if let (Some(finding), None) = (finding, whole.glance.error) {
            *self.taken_anyway.entry(finding).or_default() += 1;
        }
        self.longest_answered = self.longest_answered.max(length);
        self.short_answered += u64::from(!is_upload);
        if (whole.glance.group, whole.glance.command) == (group::IMAGE, group::image::STATE) {
            self.list_unanswered = 0;
        } else if self.list_unanswered > 0 {
            self.others_answered_after_list = true;
        }
        let time = time?;
        self.round_trip.add(time);
        Some(format!("#{frame} after {time} ms."))
    }

    fn cut_answer(&mut self, whole: &Whole, mark: Mark) {
        let length = whole.glance.length;
        self.answers_cut_alike =
            self.answers_cut_at.is_none_or(|before| self.answers_cut_alike && before == length);
        self.answers_cut_at = Some(length);
        self.answers_cut.add(mark, || {
            format!("an answer of {} bytes, of which {length} are there", 8 + whole.glance.announced)
        });
    }

    fn refused(&mut self, whole: &Whole, error: crate::smp::DeviceError, in_pieces: bool, mark: Mark) {
        let glance = &whole.glance;
        let hint = glance.noticed.iter().find(|noticed| noticed.code == "device_error");
        let text =
            hint.map_or_else(|| format!("The device refused: {error}"), |noticed| noticed.text.clone());
        let known = self.refusals.iter_mut().find(|known| {
            known.error == error && (known.group, known.command) == (glance.group, glance.command)
        });
        if let Some(known) = known {
            known.evidence.add(mark, || text);
            known.in_pieces &= in_pieces;
            known.overcome = false;
        } else if self.refusals.len() < MOST_REFUSALS {
            let mut evidence = Evidence::default();
            evidence.add(mark, || text);
            self.refusals.push(Refusal {
                error,
                group: glance.group,
                command: glance.command,
                reason: glance.reason.clone(),
                evidence,
                in_pieces,
                overcome: false,
            });
        }
    }

    fn listed(&mut self, images: Vec<crate::diagnose::Listed>, mark: Mark) {
        self.stages.listed.get_or_insert(mark);
        self.listed_any |= !images.is_empty();
        if self.stages.reset.is_some() {
            self.stages.listed_after_reset = Some(mark);
            let marked = |image: &crate::diagnose::Listed| image.active && image.hash == self.marked_hash;
            if !self.marked_hash.is_empty() && images.iter().any(marked) {
                self.stages.ran = Some(mark);
            }
        } else {
            if self.upload.as_ref().is_some_and(|upload| upload.complete) {
                self.stages.listed_after_upload = Some(mark);
            }
            if let Some(active) = images.iter().find(|image| image.active && image.image == 0) {
                self.active_before = active.hash.clone();
            }
        }
        self.stages.mark_accepted |= self.stages.marked.is_some();
        self.list = Some(images);
    }

    fn upload_answer(&mut self, glance: &Glance, belongs: &Belongs, mark: Mark) -> Vec<String> {
        let mut said = Vec::new();
        if glance.digest_fits == Some(false) {
            self.digest_wrong.add(mark, || "the device says that the digest does not fit".to_owned());
        }
        let asked = match belongs {
            Belongs::First(at) => Some(self.asked[*at].clone()),
            _ => None,
        };
        let (Some(off), Some(upload)) = (glance.off, self.upload.as_mut()) else { return said };
        if asked.as_ref().is_some_and(|asked| asked.off == Some(0)) || upload.first_answered.is_none() {
            upload.first_answered.get_or_insert(mark);
            // How much data it held, of which not all is here, the device knows.
            if asked.as_ref().is_some_and(|asked| asked.off == Some(0) && asked.cut) {
                upload.first_end = upload.first_end.max(off);
            }
        }
        let unclear = matches!(belongs, Belongs::Unknown);
        let asks_alone = asked.as_ref().is_some_and(|asked| asked.off > Some(0) && asked.end == asked.off);
        if asks_alone && off == 0 && asked.as_ref().and_then(|asked| asked.off) >= Some(upload.reached) {
            // No upload is open any more, and this one had come to its end.
            if upload.len.is_none() {
                upload.complete = true;
            }
            return said;
        }
        if asks_alone && upload.complete && off > 0 && Some(off) != upload.len {
            self.late_first.add(mark, || {
                format!(
                    "the device stands at {off}, in the middle of an upload, behind the end of its upload"
                )
            });
            return said;
        }
        let finished =
            upload.len.is_some_and(|len| off == len || off == 0 && upload.sent == len && upload.reached > 0);
        if finished && upload.complete {
            return said;
        }
        if finished {
            upload.complete = true;
            upload.wanted = None;
            self.uploads_complete += 1;
            self.upload_bytes += upload.len.unwrap_or(0);
            upload.reached = upload.len.unwrap_or(off);
            upload.reached_at = Some(mark);
            return said;
        }
        if upload.len.is_some_and(|len| off > len) {
            self.garbled_since = upload.reached;
            self.answers_garbled
                .add(mark, || format!("the device asks for {off}, beyond the end of the image"));
            return said;
        }
        if off > upload.reached || upload.reached_at.is_none() {
            self.upload_bytes += off.saturating_sub(upload.reached);
            if upload.asked_again.count > 0 {
                self.made_good += 1;
            }
            upload.reached = off;
            upload.reached_at = Some(mark);
            upload.asked_again = Evidence::default();
            upload.silent = Evidence::default();
            upload.silent_most = 0;
            upload.wanted = None;
            upload.not_followed = 0;
            if let Some(asked) = &asked {
                upload.sizes_passed = upload.sizes_passed.max(asked.length);
            }
            return said;
        }
        if off == 0 && upload.reached > 0 {
            said.push("The device wants the upload from the start.".to_owned());
            let reached = upload.reached;
            self.restarted.add(mark, || format!("the device had {reached} bytes and asks for 0"));
            upload.reached = 0;
            upload.wanted = Some(0);
            return said;
        }
        // No progress: the device asks for what it asked for before.
        upload.wanted = Some(off);
        upload.asked_again.add(mark, || format!("the device asks for {off} again"));
        match &asked {
            Some(asked) if asked.off == Some(off) && asked.end != Some(off) => {
                said.push(format!("#{} begins at {off} and was not taken.", asked.mark.frame));
                self.flash_refuses.add(mark, || format!("the chunk at {off} arrived and was not taken"));
            }
            Some(asked) if asked.off > Some(off) => {
                said.push(format!("#{} was dropped: the device still waits for {off}.", asked.mark.frame));
                if upload.asked_again.count == 1 {
                    self.lost_chunks.add(mark, || format!("the chunk at {off} did not reach the server"));
                }
                self.not_taken.add(mark, || format!("the device still waits for {off}"));
            }
            Some(asked) if asked.off < Some(off) => {
                self.late.add(mark, || format!("a late answer to #{}", asked.mark.frame));
                upload.wanted = None;
            }
            _ if unclear => {
                said.push(format!(
                    "It asks for {off} again; the trace does not tell which request it answers."
                ));
                self.off_unclear.add(mark, || {
                    format!("the answer \"off\": {off} came again, without its sequence number")
                });
            }
            _ => {}
        }
        said
    }
}
