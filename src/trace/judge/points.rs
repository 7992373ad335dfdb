//! What is worth saying beside the cause: the arithmetic of the sizes, what can be excluded, what cannot be decided.

use super::Case;
use crate::failure::Finding;
use crate::smp::header::HEADER_LEN;
use crate::trace::talk::{Asked, Talk, Upload};

/// What one GATT write carries at the ATT MTU of 247 that nRF devices ask for.
const USUAL_WRITE: usize = 244;

fn chunk(talk: &Talk, which: impl Fn(&Asked) -> bool) -> Option<&Asked> {
    talk.asked.iter().find(|asked| (asked.group, asked.command) == (1, 1) && asked.length > 8 && which(asked))
}

/// Sentences about what the frames show, the most telling first.
pub(in crate::trace) fn points(talk: &Talk) -> Vec<String> {
    let mut points = Vec::new();
    let Some(upload) = &talk.upload else { return points };
    if let Some(image) = upload.image.filter(|image| *image > 0) {
        points.push(format!(
            "\"image\" {image} is image number {image}, counted from 0: the {} image of the device (1 is the network core of an \
             nRF5340), not the other slot. For the application leave it out; the device takes the free slot by itself.",
            ordinal(image)
        ));
    }
    if upload.complete {
        return points;
    }
    sizes(talk, upload, &mut points);
    if upload.asked_again.count > 0 {
        points.push(repeated(talk, upload));
        points.push(format!(
            "Next: wait for the answer to each chunk, and send the chunk at offset {} again, under a new sequence number; never the \
             one behind it.",
            upload.reached
        ));
    }
    points
}

fn ordinal(image: u64) -> String {
    match image {
        1 => "second".to_owned(),
        2 => "third".to_owned(),
        n => format!("{}th", n + 1),
    }
}

fn sizes(talk: &Talk, upload: &Upload, points: &mut Vec<String>) {
    let first = chunk(talk, |asked| asked.off == Some(0));
    let second = chunk(talk, |asked| asked.off == Some(upload.first_end) && upload.first_end > 0);
    if let (Some(first), Some(second)) = (first, second)
        && upload.reached <= upload.first_end
    {
        let relation = match (first.length, second.length) {
            (a, b) if a == b => {
                format!("#{} and #{} are both {a} bytes long", first.mark.frame, second.mark.frame)
            }
            (a, b) => format!("#{} is {a} bytes long and #{} is {b}", first.mark.frame, second.mark.frame),
        };
        if second.length <= first.length {
            points.push(format!(
                "{relation}: {} a write at the ATT MTU of 247, which carries {USUAL_WRITE}, and the first one passed. So its size \
                 alone cannot be why the second chunk is silent, unless the MTU changed in between.",
                if second.length <= USUAL_WRITE { "both fit" } else { "both are over" }
            ));
        } else {
            points.push(format!("{relation}: only the longer one is silent."));
        }
    }
    // The first chunk that grew although its data did not.
    let grown = talk.asked.iter().find(|asked| {
        (asked.group, asked.command) == (1, 1)
            && asked.off > Some(0)
            && second.is_some_and(|second| {
                let data = |asked: &Asked| Some(asked.end? - asked.off?);
                data(asked) == data(second) && asked.length > second.length && asked.length > USUAL_WRITE
            })
    });
    if let Some(grown) = grown
        && let (Some(off), Some(end)) = (grown.off, grown.end)
    {
        points.push(format!(
            "With {} bytes of data at offset {off} the chunk #{} takes {} bytes, and {USUAL_WRITE} fit: the offset takes more bytes \
             as it grows. {} bytes of data fit up to offset 255, then one less, and two less again from 65536 on.",
            end - off,
            grown.mark.frame,
            grown.length,
            end - off
        ));
    }
}

/// What a repeated offset means, as far as the sequence numbers tell.
fn repeated(talk: &Talk, upload: &Upload) -> String {
    let off = upload.asked_again.marks.first().map_or(upload.reached, |_| upload.reached);
    let frame = upload.asked_again.marks.first().map_or(0, |mark| mark.frame);
    if talk.off_unclear.count > 0 && talk.replayed.count + talk.lost_chunks.count == 0 {
        return format!(
            "The repeated \"off\": {off} (#{frame}) says that the chunk at {off} never reached the server, or that the first answer \
             was replayed: no third way leads to it. The sequence byte of that answer decides which, and this trace does not show \
             it: that of the first chunk means a replay, a later one means that the chunk at {off} was lost."
        );
    }
    if talk.lost_chunks.count > 0 {
        return format!(
            "The repeated \"off\": {off} (#{frame}) answers a later request, by its sequence byte: the chunk at {off} never reached \
             the server."
        );
    }
    format!("The device asks for offset {off} again (#{frame}).")
}

/// Causes that come to mind and do not fit, each with the reason.
pub(in crate::trace) fn ruled_out(talk: &Talk, cases: &[Case]) -> Vec<(Finding, String)> {
    let mut out = Vec::new();
    let is = |finding| cases.iter().any(|case| case.cause == finding);
    let Some(upload) = &talk.upload else { return out };
    let mut rule = |finding, why: String| {
        if !is(finding) {
            out.push((finding, why));
        }
    };
    if upload.image.is_some_and(|image| image > 0)
        && upload.first_answered.is_some()
        && talk.open_refusal().is_none()
    {
        rule(
            Finding::ImageNumberWrong,
            format!(
                "The device took the first chunk of image {}: a number that it does not have gets rc 5.",
                upload.image.unwrap_or(0)
            ),
        );
    }
    if let Some(answer) = upload.first_answered.filter(|_| !upload.complete) {
        rule(
            Finding::NeverAnswered,
            format!("#{} is an answer: notifications are on and SMP is there.", answer.frame),
        );
        let second = talk.asked.iter().find(|asked| asked.off == Some(upload.first_end));
        if let Some(second) = second
            && upload.reached <= upload.first_end
            // A trace that has no bodies tells no lengths.
            && (HEADER_LEN + 1..=upload.first_length).contains(&second.length)
        {
            rule(
                Finding::FrameTooLong,
                format!(
                    "The first silent chunk has {} bytes, and {} bytes passed.",
                    second.length, upload.first_length
                ),
            );
        }
    }
    if talk.both_ways()
        && talk.sequences_known
        && talk.off_unclear.count == 0
        && talk.replayed.count == 0
        && !upload.complete
    {
        rule(Finding::ResponsesReplayed, "No answer came twice under one sequence number.".to_owned());
    }
    if talk.sequences_known && talk.requests > 3 && talk.other_sequence > 0 {
        rule(Finding::SequenceConstant, "The sequence numbers count up.".to_owned());
    }
    if talk.open_refusal().is_none() && talk.responses > 0 {
        rule(Finding::DeviceRefused, "No answer holds an error that stays.".to_owned());
    }
    out
}

/// What the trace cannot decide, and what it would take.
pub(in crate::trace) fn undecided(talk: &Talk) -> Vec<String> {
    let mut undecided = Vec::new();
    if talk.off_unclear.count > 0 || talk.frames > 0 && !talk.sequences_known {
        undecided.push(
            "Answers stand here without their header: whether they belong to this request or to an earlier one, only the sequence \
             byte (the seventh of the frame) can tell. Record the bytes."
                .to_owned(),
        );
    }
    if talk.frames > 0 && talk.responses == 0 {
        undecided
            .push("Only requests are here: whether and what the device answered cannot be told.".to_owned());
    } else if talk.frames > 0 && talk.requests == 0 {
        undecided.push(
            "Only answers are here: what was asked, and whether an answer is missing, cannot be told."
                .to_owned(),
        );
    }
    if talk.in_part > 0 {
        undecided.push(format!(
            "Of {} frames only the first bytes are here: what an image list says behind them, and which image was marked, cannot be told. \
             Record them whole.",
            talk.in_part
        ));
    }
    if talk.frames > 0 && talk.first_time.is_none() {
        undecided.push("There are no times: round trip, rate and time-outs cannot be told.".to_owned());
    }
    if talk.upload.as_ref().is_some_and(|upload| upload.midway) {
        undecided.push(
            "The trace begins in the middle of an upload: its first chunk and its length are not here."
                .to_owned(),
        );
    }
    undecided
}
