//! What shows only between frames: offsets, sequence numbers, the order of commands.

use super::body::Item;
use super::finding::Findings;
use super::layout::Seen;
use super::response::device_error;
use crate::smp::group;

/// Frames in flight that a device with the usual four buffers can hold, one being for the response.
const USUAL_WINDOW: usize = 3;

#[derive(Default)]
struct Conversation<'f, 'a> {
    requests: Vec<Asked<'f, 'a>>,
    responses: Vec<&'f Seen<'a>>,
    /// Whether both directions are here, so that a missing answer says something.
    both_ways: bool,
    /// What the last good answer to an upload asked for, until a request follows it.
    wanted: Option<u64>,
    upload_len: Option<u64>,
    upload_sha: Option<&'a [u8]>,
    uploaded: bool,
    marked: bool,
    erased: bool,
}

struct Asked<'f, 'a> {
    frame: &'f Seen<'a>,
    answers: usize,
}

/// Looks at the frames in their order.
pub(super) fn examine(frames: &[Seen<'_>], findings: &mut Findings) {
    let mut conversation = Conversation {
        both_ways: frames.iter().any(Seen::is_request) && frames.iter().any(Seen::is_response),
        ..Conversation::default()
    };
    for (index, frame) in frames.iter().enumerate() {
        findings.at(Some(index));
        if frame.is_request() {
            conversation.request(frame, findings);
        } else if frame.is_response() {
            conversation.response(frame, findings);
        }
    }
}

fn number(frame: &Seen<'_>, key: &str) -> Option<u64> {
    frame.body.get(key).and_then(Item::unsigned)
}

fn is_upload(frame: &Seen<'_>) -> bool {
    frame.is_image(group::image::UPLOAD)
}

/// The offset behind the data of an upload request.
fn end(frame: &Seen<'_>) -> Option<u64> {
    number(frame, "off")?.checked_add(frame.body.get("data")?.bytes()?.len() as u64)
}

impl<'f, 'a> Conversation<'f, 'a> {
    fn request(&mut self, frame: &'f Seen<'a>, findings: &mut Findings) {
        if let Some(previous) = self.requests.last().map(|asked| asked.frame) {
            if previous.bytes == frame.bytes {
                findings.note("request_repeated", "The same frame as before, sequence number included.");
                return;
            }
            let (before, now) = (previous.sequence(), frame.sequence());
            if before == now {
                findings.warning(
                    "sequence_not_advancing",
                    format!(
                        "The sequence number is {now} again for another request: answers to the two cannot be told apart."
                    ),
                );
            } else if now == 0 && before != 255 {
                findings.note(
                    "sequence_restarted",
                    format!("The sequence number went from {before} back to 0: late answers may be taken for new ones."),
                );
            }
        }
        if is_upload(frame) {
            self.upload_request(frame, findings);
        }
        if frame.group == group::IMAGE && frame.is_request() {
            self.image_request(frame, findings);
        }
        if (frame.group, frame.command) == (group::OS, group::os::RESET) && self.uploaded && !self.marked {
            findings.warning(
                "reset_without_mark",
                "A reset follows the upload and no image was marked for test or confirmed: the bootloader will not swap.",
            );
        }
        self.requests.push(Asked { frame, answers: 0 });
        let open = self.requests.iter().filter(|asked| asked.answers == 0).count();
        if self.both_ways && open == USUAL_WINDOW + 1 {
            findings.warning(
                "window_too_large",
                format!(
                    "{open} requests are unanswered: a device with the usual 4 buffers drops what it cannot hold, without a word."
                ),
            );
        }
    }

    fn image_request(&mut self, frame: &'f Seen<'a>, findings: &mut Findings) {
        match frame.command {
            group::image::STATE => {
                let hash = frame.body.get("hash").and_then(Item::bytes);
                self.marked |= hash.is_some() || frame.body.get("confirm").is_some();
                if hash.is_some() && hash == self.upload_sha {
                    findings.error(
                        "hash_is_file_digest",
                        "\"hash\" is the \"sha\" of the upload, the SHA-256 of the file. The image's own hash is in its TLV area \
                         and in the image list; with this one the device finds no image.",
                    );
                }
            }
            group::image::ERASE => self.erased = true,
            _ => {}
        }
    }

    fn upload_request(&mut self, frame: &'f Seen<'a>, findings: &mut Findings) {
        self.uploaded = true;
        self.marked = false;
        let Some(off) = number(frame, "off") else { return };
        if off == 0 {
            let sha = frame.body.get("sha").and_then(Item::bytes);
            if self.erased && sha.is_some() {
                findings.warning(
                    "upload_after_erase",
                    "Servers before November 2022 (NCS 2.1 among them) keep the old offset over an erase and resume there: check \
                     that the first answer asks for the end of this chunk, or leave \"sha\" out this once.",
                );
            }
            self.upload_len = number(frame, "len");
            self.upload_sha = sha;
            self.wanted = None;
            return;
        }
        let previous = self.requests.iter().rev().find(|asked| is_upload(asked.frame));
        let first_open = self.requests.iter().any(|asked| {
            is_upload(asked.frame) && number(asked.frame, "off") == Some(0) && asked.answers == 0
        });
        if self.both_ways && first_open {
            findings.warning(
                "first_chunk_not_alone",
                "The first chunk is still unanswered, and the device may erase its slot for seconds: nothing should follow it \
                 before its answer.",
            );
        }
        match (self.wanted.take(), previous.and_then(|asked| end(asked.frame))) {
            (Some(wanted), _) if wanted == off => {}
            // With several in flight a chunk goes on behind the one before it, whatever the last answer was.
            (Some(wanted), Some(end)) if end == off && wanted < off && previous.is_some_and(|p| p.answers == 0) => {}
            (Some(wanted), _) => findings.error(
                "answer_ignored",
                format!("The device asked for offset {wanted} and gets {off}: it drops the data and asks again."),
            ),
            (None, Some(end)) if off == end => {}
            (None, Some(end)) if off > end => findings.error(
                "offset_gap",
                format!("The chunk before ends at {end} and this one starts at {off}: the device drops it and asks for {end}."),
            ),
            (None, Some(_)) if previous.is_some_and(|asked| number(asked.frame, "off") == Some(off)) => findings
                .warning(
                    "offset_not_advancing",
                    format!("The chunk has offset {off} like the one before: it is a repetition, or the offset is not counted up."),
                ),
            (None, Some(end)) => {
                findings.note("offset_back", format!("The upload goes back from {end} to {off}."));
            }
            (None, None) => {}
        }
    }

    fn response(&mut self, frame: &'f Seen<'a>, findings: &mut Findings) {
        let mut request = None;
        let mut repeated = false;
        if self.requests.is_empty() {
            repeated = self.responses.iter().any(|seen| seen.bytes == frame.bytes);
        } else {
            let same = |asked: &&mut Asked<'_, '_>| asked.frame.sequence() == frame.sequence();
            match self.requests.iter_mut().rev().find(same) {
                None => findings.warning(
                    "response_without_request",
                    format!(
                        "No request here has the sequence number {}: a late or foreign answer.",
                        frame.sequence()
                    ),
                ),
                Some(asked)
                    if (asked.frame.group, asked.frame.command) != (frame.group, frame.command)
                        || asked.frame.op.map(crate::smp::Op::response) != frame.op =>
                {
                    findings.warning(
                        "response_mismatch",
                        format!(
                            "The request with the sequence number {} was another command: a late answer from before.",
                            frame.sequence()
                        ),
                    );
                }
                Some(asked) => {
                    repeated = asked.answers > 0;
                    asked.answers += 1;
                    request = Some(asked.frame);
                }
            }
        }
        if repeated {
            findings.warning(
                "response_repeated",
                format!(
                    "The answer to sequence number {} comes again: the gateway repeats or caches notifications, or the request \
                     reached the device twice. It says nothing about a later request.",
                    frame.sequence()
                ),
            );
        }
        if let Some(request) = request
            && request.version() > frame.version()
        {
            findings.note(
                "server_of_version_1",
                "The request was SMP version 2 and the answer is version 1: an old server.",
            );
        }
        if is_upload(frame) && !repeated && device_error(frame).is_none() {
            self.upload_response(frame, request, findings);
        }
        self.responses.push(frame);
    }

    fn upload_response(&mut self, frame: &Seen<'a>, request: Option<&Seen<'a>>, findings: &mut Findings) {
        let Some(off) = number(frame, "off") else { return };
        if let Some(len) = self.upload_len.filter(|len| off > *len) {
            findings.error(
                "offset_beyond_image",
                format!("The device asks for {off}, and the image has {len} bytes."),
            );
        }
        let data = request.filter(|request| end(request) > number(request, "off"));
        if let Some((from, end)) = data.and_then(|request| Some((number(request, "off")?, end(request)?)))
            && off < end
            && off > 0
        {
            findings.warning(
                "chunk_not_taken",
                format!(
                    "The chunk from {from} to {end} was not taken: the device still waits for {off}. No error is not a success; go \
                     on from {off}."
                ),
            );
        }
        let same = |seen: &&&Seen<'a>| is_upload(seen) && number(seen, "off") == Some(off);
        if self.responses.iter().rev().take(2).filter(same).count() == 2 {
            findings.warning(
                "offset_repeats",
                format!(
                    "The device asks for {off} for the third time: its flash write fails, or the chunk is lost or changed on the way."
                ),
            );
        }
        self.wanted = Some(off);
    }
}
