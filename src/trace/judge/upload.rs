//! Why an upload stands still.

use super::file::shows_beginnings;
use super::{Case, Certainty, FileFacts};
use crate::failure::Finding;
use crate::smp::group;
use crate::trace::talk::{Evidence, Refusal, Talk, Upload};
use crate::trace::told::Dress;

pub(super) fn cases(talk: &Talk, facts: &FileFacts, cases: &mut Vec<Case>) {
    answers(talk, cases);
    refusals(talk, cases);
    if talk.restarted.count > 0 {
        let certainty = if talk.upload.as_ref().is_some_and(|upload| upload.complete) {
            None
        } else {
            Some(Certainty::Likely)
        };
        if let Some(certainty) = certainty {
            cases.push(Case::new(
                Finding::DeviceRestarted,
                certainty,
                format!("{}.", talk.restarted.text),
                &talk.restarted,
            ));
        }
    }
    cut(talk, cases);
    never_answered(talk, facts, cases);
    link(talk, cases);
    let Some(upload) = talk.upload.as_ref().filter(|upload| upload.stands_still()) else { return };
    if talk.responses == 0 || !stuck(talk, upload) {
        return;
    }
    sequence(talk, cases);
    sizes(talk, upload, cases);
    replayed(talk, upload, cases);
    if talk.flash_refuses.count >= 2 {
        let says = format!("{}, {} times.", talk.flash_refuses.text, talk.flash_refuses.count);
        cases.push(Case::new(Finding::OffsetRepeats, Certainty::Likely, says, &talk.flash_refuses));
    }
    if talk.ignored_off.count >= 2 && upload.reached > upload.first_end {
        ignored(talk, cases);
    }
    silence(talk, upload, cases);
    if talk.ran_ahead.count > 0 || talk.buf_count.is_none() && upload.silent.count >= 3 {
        let evidence = if talk.ran_ahead.count > 0 { &talk.ran_ahead } else { &upload.silent };
        let says = format!(
            "{} chunks were sent behind offset {} without an answer that asks for them.",
            upload.silent.count, upload.reached
        );
        cases.push(Case::new(Finding::NotWaited, Certainty::Likely, says, evidence));
    }
    if talk.ignored_off.count > 0 {
        ignored(talk, cases);
    }
}

fn ignored(talk: &Talk, cases: &mut Vec<Case>) {
    let says = format!("{}, {} times.", talk.ignored_off.text, talk.ignored_off.count);
    cases.push(Case::new(Finding::OffsetIgnored, Certainty::Certain, says, &talk.ignored_off));
}

/// Requests that end before their length, though the trace goes on behind them.
fn cut(talk: &Talk, cases: &mut Vec<Case>) {
    let at_the_end = talk.requests_cut.count == 1 && talk.last_cut == talk.last_mark;
    if shows_beginnings(talk).is_some() {
        return;
    }
    if talk.requests_cut.count > talk.file_cut.count && !at_the_end {
        let says = format!("{} requests are cut: {}.", talk.requests_cut.count, talk.requests_cut.text);
        cases.push(Case::new(Finding::WritesCut, Certainty::Likely, says, &talk.requests_cut));
    }
}

/// Answers that are there and say nothing.
fn answers(talk: &Talk, cases: &mut Vec<Case>) {
    let cut_alike = talk.answers_cut.count >= 2 && talk.answers_cut_alike && shows_beginnings(talk).is_none();
    if let (true, Some(at)) = (cut_alike, talk.answers_cut_at) {
        let says =
            format!("{} answers end after {at} bytes, whatever their header says.", talk.answers_cut.count);
        cases.push(Case::new(Finding::AnswersCut, Certainty::Likely, says, &talk.answers_cut));
    }
    if talk.answers_empty.count >= 2 {
        let says = format!("{} answers have a header and no body.", talk.answers_empty.count);
        cases.push(Case::new(Finding::EmptyAnswers, Certainty::Certain, says, &talk.answers_empty));
    }
    // What is written in 16 bits is right up to 65,535.
    if talk.answers_garbled.count >= 2 && talk.garbled_since >= 0xf000 {
        let says = format!(
            "{} answers cannot be read, since byte {}.",
            talk.answers_garbled.count, talk.garbled_since
        );
        cases.push(Case::new(Finding::OffsetGarbled, Certainty::Likely, says, &talk.answers_garbled));
    }
    if talk.list_unanswered >= 2 && talk.others_answered_after_list && talk.stages.listed.is_none() {
        let says = format!(
            "{} requests for the image list were not answered, and others were.",
            talk.list_unanswered
        );
        cases.push(Case::at(Finding::LongAnswersLost, Certainty::Likely, says, talk.last_mark));
    }
}

/// Whether something went wrong at the end of the upload, and not only the trace ended.
fn stuck(talk: &Talk, upload: &Upload) -> bool {
    let first_silent =
        upload.first.is_some() && upload.first_answered.is_none() && upload.repeated_chunks > 0;
    first_silent
        || upload.asked_again.count > 0
        || upload.repeated_chunks > 0 && upload.silent.count > 0
        || upload.silent.count >= 2
        || talk.unanswered_tail >= 2
}

fn refusals(talk: &Talk, cases: &mut Vec<Case>) {
    cases.extend(
        talk.refusals.iter().filter(|refusal| !refusal.overcome).find_map(|refusal| refused(talk, refusal)),
    );
}

fn refused(talk: &Talk, refusal: &Refusal) -> Option<Case> {
    let image = talk.upload.as_ref().and_then(|upload| upload.image).unwrap_or(0);
    let common = refusal.error.group.is_none();
    let cause = match refusal.error.code {
        2 if common => Finding::BuffersExhausted,
        9 if common && refusal.in_pieces => Finding::NoReassembly,
        5 if common && image > 0 => Finding::ImageNumberWrong,
        8 if common && (refusal.group, refusal.command) != (1, 1) => Finding::OldServer,
        _ => Finding::DeviceRefused,
    };
    // A device that lacks an optional command is no failure.
    let needed = (refusal.group, refusal.command) == (group::IMAGE, group::image::STATE);
    let optional = cause == Finding::OldServer && !needed;
    // An echo that comes back as an error finds out what passes; who goes on after it has found out.
    let probe = (refusal.group, refusal.command) == (group::OS, group::os::ECHO)
        && refusal.evidence.marks.last().is_some_and(|mark| mark.frame < talk.last_answer);
    if optional || probe {
        return None;
    }
    let mut says = refusal.evidence.text.clone();
    if let Some(reason) = &refusal.reason {
        says += &format!(" The device says: \"{reason}\".");
    }
    Some(Case::new(cause, Certainty::Certain, says, &refusal.evidence))
}

fn never_answered(talk: &Talk, facts: &FileFacts, cases: &mut Vec<Case>) {
    // A capture that shows the connection from its start shows who subscribes.
    if talk.responses == 0 && facts.shows_the_link && talk.connected && talk.notifications_now != Some(true) {
        let says = format!(
            "{} requests were written since the link came up, and nobody switched notifications on: answers have no way back.",
            talk.requests
        );
        cases.push(Case::at(Finding::NeverAnswered, Certainty::Certain, says, talk.last_mark));
        return;
    }
    // Requests alone are a trace of one side; only their repetition says that nobody answered. A recording has both sides, unless
    // it begins in the middle.
    let both_sides = facts.dresses.contains(&Dress::Recording) || facts.shows_the_link;
    let from_the_start = !talk.upload.as_ref().is_some_and(|upload| upload.midway);
    let again =
        talk.repeated_requests.count + talk.upload.as_ref().map_or(0, |upload| upload.repeated_chunks);
    if talk.responses == 0 && (again >= 2 || both_sides && from_the_start && talk.requests >= 2) {
        let how = if again >= 2 { ", some of them again and again," } else { "" };
        let says = format!("{} requests{how} and not one answer.", talk.requests);
        let mut case = Case::new(Finding::NeverAnswered, Certainty::Likely, says, &talk.repeated_requests);
        if case.marks.is_empty() {
            case.marks = talk.asked.iter().take(4).map(|asked| asked.mark).collect();
            case.count = talk.requests;
        }
        cases.push(case);
    }
}

fn link(talk: &Talk, cases: &mut Vec<Case>) {
    pairing(talk, cases);
    for (code, evidence) in &talk.att_errors {
        if *code == 0x03 && talk.responses == 0 {
            let says = format!("ATT error {code:#04x}: {}; it is not the SMP characteristic.", evidence.text);
            cases.push(Case::new(Finding::NeverAnswered, Certainty::Likely, says, evidence));
        } else if matches!(code, 0x0d | 0x13) {
            let says = format!("ATT error {code:#04x}: {}.", evidence.text);
            cases.push(Case::new(Finding::LargeFramesLost, Certainty::Likely, says, evidence));
        }
    }
    if talk.link_downs.count == 0 || talk.upload.as_ref().is_some_and(|upload| upload.complete) {
        return;
    }
    let silent = talk.unanswered_tail >= 1 && talk.frames_since_reconnect >= 1;
    if talk.reconnects > 0 && silent {
        let smaller = match (talk.mtu, talk.mtu_now) {
            (Some(before), None) => Some(format!("the MTU of {before} was not asked for again and is 23")),
            (Some(before), Some(now)) if now < before => {
                Some(format!("the MTU is {now} now and was {before}"))
            }
            _ => None,
        };
        let quiet = (talk.notifications_now != Some(true))
            .then(|| "nobody switched notifications on again".to_owned());
        let why: Vec<String> = smaller.into_iter().chain(quiet).collect();
        if !why.is_empty() {
            let says = format!(
                "The link came back and the requests after it stay unanswered: {}.",
                why.join(", and ")
            );
            cases.push(Case::new(Finding::LinkSettingsLost, Certainty::Likely, says, &talk.link_downs));
        }
    } else if talk.reconnects == 0 && talk.frames_since_reconnect > 0 {
        let says = "The link went down and did not come back in this trace.";
        cases.push(Case::new(Finding::LinkDrops, Certainty::Certain, says, &talk.link_downs));
    }
}

/// The device asks for a link that is authenticated or encrypted, and it is not.
pub(super) fn pairing(talk: &Talk, cases: &mut Vec<Case>) {
    // An error that was overcome, as by pairing, explains nothing.
    let late = |evidence: &Evidence| evidence.marks.last().map_or(0, |mark| mark.frame) >= talk.last_answer;
    for (code, evidence) in talk.att_errors.iter().filter(|(_, evidence)| late(evidence)) {
        if matches!(code, 0x05 | 0x08 | 0x0c | 0x0f) {
            let says = format!("ATT error {code:#04x}: {}.", evidence.text);
            cases.push(Case::new(Finding::PairingNeeded, Certainty::Certain, says, evidence));
        }
    }
    if talk.bonds_lost.count > 0 && late(&talk.bonds_lost) {
        let says = format!("{}, and nothing was answered after that.", talk.bonds_lost.text);
        let cause = match talk.stages.reset {
            Some(_) => Finding::BondsLost,
            None => Finding::PairingNeeded,
        };
        cases.push(Case::new(cause, Certainty::Certain, says, &talk.bonds_lost));
    }
    if talk.pairing_failed.count > 0 && late(&talk.pairing_failed) {
        let says = format!("{}, and nothing was answered after it.", talk.pairing_failed.text);
        cases.push(Case::new(Finding::PairingNeeded, Certainty::Likely, says, &talk.pairing_failed));
    }
}

fn sequence(talk: &Talk, cases: &mut Vec<Case>) {
    if talk.same_sequence >= 3 && talk.other_sequence == 0 {
        let says = format!("All {} requests have the same sequence number.", talk.requests);
        cases.push(Case::at(Finding::SequenceConstant, Certainty::Certain, says, talk.last_mark));
    }
}

fn sizes(talk: &Talk, upload: &Upload, cases: &mut Vec<Case>) {
    let passed = upload.sizes_passed.max(talk.longest_answered);
    if upload.silent.count > 0
        && upload.silent_least > passed
        && passed > 0
        && upload.reached > upload.first_end
    {
        let says = format!(
            "Frames of up to {passed} bytes were answered, and each of the {} without an answer has {} or more.",
            upload.silent.count, upload.silent_least
        );
        cases.push(Case::new(Finding::FrameTooLong, Certainty::Likely, says, &upload.silent));
    } else if upload.silent.count > 0 && upload.silent_least > passed && passed > 0 && talk.short_answered > 0
    {
        let says = format!(
            "Frames of up to {passed} bytes are answered, and the chunks of {} bytes and more vanish.",
            upload.silent_least
        );
        cases.push(Case::new(Finding::LargeFramesLost, Certainty::Likely, says, &upload.silent));
    }
}

fn replayed(talk: &Talk, upload: &Upload, cases: &mut Vec<Case>) {
    if talk.replayed.count == 0 {
        return;
    }
    let lost = talk.lost_chunks.count + talk.not_taken.count;
    if lost == 0 {
        let says = format!(
            "{}, {} times, and no answer belongs to a chunk behind offset {}.",
            talk.replayed.text, talk.replayed.count, upload.reached
        );
        cases.push(Case::new(Finding::ResponsesReplayed, Certainty::Certain, says, &talk.replayed));
    }
}

fn silence(talk: &Talk, upload: &Upload, cases: &mut Vec<Case>) {
    let only_first =
        upload.first.is_some() && upload.first_answered.is_some() && upload.reached <= upload.first_end;
    if only_first {
        let certainty = if talk.off_unclear.count > 0 { Certainty::Possible } else { Certainty::Likely };
        let says = format!(
            "The first chunk was answered with {}, and none of the {} chunks after it was taken.",
            upload.reached,
            upload.chunks.saturating_sub(1)
        );
        let mut evidence = upload.silent.clone();
        for mark in upload.asked_again.marks.iter().take(2) {
            evidence.marks.push(*mark);
        }
        cases.push(Case::new(Finding::FirstFrameOnly, certainty, says, &evidence));
        return;
    }
    if upload.first.is_some() && upload.first_answered.is_none() {
        let says = "The first chunk was not answered, while other requests were: erasing a slot takes up to 40 s, and a first \
                    chunk that is too large or not let through is never answered.";
        cases.push(Case::at(Finding::LargeFramesLost, Certainty::Possible, says, upload.first));
        return;
    }
    let tail: Vec<_> = talk.asked.iter().rev().take_while(|asked| asked.answered.is_none()).collect();
    let other_silent = tail.iter().any(|asked| (asked.group, asked.command) != (1, 1));
    if talk.lost_chunks.count > 0 && upload.asked_again.count > 0 {
        let says = format!(
            "{}; {} requests behind it were answered with the same offset.",
            talk.lost_chunks.text, upload.asked_again.count
        );
        cases.push(Case::new(Finding::ChunkLost, Certainty::Likely, says, &talk.lost_chunks));
    } else if other_silent && tail.len() >= 2 {
        let says = format!(
            "{} bytes were taken; then nothing is answered any more, no short request either.",
            upload.reached
        );
        cases.push(Case::at(
            Finding::ServerStuck,
            Certainty::Likely,
            says,
            tail.last().map(|asked| asked.mark),
        ));
    } else if tail.len() >= 2 {
        let says = format!(
            "{} bytes were taken, and the {} requests after them were not answered.",
            upload.reached,
            tail.len()
        );
        cases.push(Case::at(
            Finding::ChunkLost,
            Certainty::Possible,
            says,
            tail.last().map(|asked| asked.mark),
        ));
    }
}
