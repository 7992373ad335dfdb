//! What comes after the upload, and the verdict that nothing is wrong.

use super::{Case, Certainty};
use crate::failure::Finding;
use crate::trace::talk::Talk;

pub(super) fn cases(talk: &Talk, cases: &mut Vec<Case>) {
    let stages = &talk.stages;
    if let Some(reset) = stages.reset_midway.filter(|_| stages.marked.is_none()) {
        let (reached, len) = talk.upload.as_ref().map_or((0, None), |upload| (upload.reached, upload.len));
        let len = len.map_or("an unknown number".to_owned(), |len| len.to_string());
        let says = format!("The reset was sent when {reached} of {len} bytes had been taken.");
        cases.push(Case::at(Finding::ResetMidway, Certainty::Certain, says, Some(reset)));
    }
    if talk.digest_wrong.count > 0 {
        let says = format!("{}.", talk.digest_wrong.text);
        cases.push(Case::new(Finding::OffsetRepeats, Certainty::Certain, says, &talk.digest_wrong));
    }
    if talk.late_first.count > 0 {
        let says = format!("{}.", talk.late_first.text);
        cases.push(Case::new(Finding::LateFirstFrame, Certainty::Certain, says, &talk.late_first));
    }
    let complete = talk.upload.as_ref().is_some_and(|upload| upload.complete);
    // Serial recovery lists nothing as active, and what it writes needs no mark; and who runs another image now has started one.
    let active = talk.list.iter().flatten().find(|image| image.active && image.image == 0);
    let started =
        stages.listed_after_reset.is_some() && active.is_some_and(|image| image.hash != talk.active_before);
    let recovery = stages.listed.is_some() && talk.active_before.is_empty();
    let nothing_listed = talk.list.as_ref().is_some_and(Vec::is_empty);
    if let (true, false, Some(at)) = (complete, talk.listed_any, stages.listed_after_upload) {
        let says =
            "The image lists before and after the upload are empty, although the device took every byte.";
        cases.push(Case::at(Finding::NothingListed, Certainty::Likely, says, Some(at)));
    }
    if complete && stages.marked.is_none() && !started && !recovery && !nothing_listed {
        match stages.reset {
            Some(reset) => cases.push(Case::at(
                Finding::NeverMarked,
                Certainty::Certain,
                "The device was reset after the upload, and no image had been marked: the bootloader does not swap.",
                Some(reset),
            )),
            None if stages.listed_after_upload.is_some() => cases.push(Case::at(
                Finding::NeverMarked,
                Certainty::Possible,
                "The upload is complete and listed, and the trace ends without a mark.",
                stages.listed_after_upload,
            )),
            None => {}
        }
    }
    if let (true, None, Some(marked)) = (complete, stages.reset, stages.marked)
        && talk.last_mark.is_some_and(|last| last.frame > marked.frame)
        && talk.open_refusal().is_none()
    {
        let says = "The image is marked, and the trace ends without a reset.";
        cases.push(Case::at(Finding::NeverReset, Certainty::Possible, says, Some(marked)));
    }
    after_reset(talk, cases);
    if talk.foreign.count >= 3 && cases.is_empty() && talk.foreign.count * 4 > talk.responses {
        let says = format!("{} answers belong to no request of this trace.", talk.foreign.count);
        cases.push(Case::new(Finding::ForeignResponses, Certainty::Possible, says, &talk.foreign));
    }
}

fn after_reset(talk: &Talk, cases: &mut Vec<Case>) {
    let stages = &talk.stages;
    let (Some(reset), Some(_)) = (stages.reset, stages.marked) else { return };
    if talk.responses > 0
        && stages.asked_after_reset.is_some()
        && stages.answered_after_reset.is_none()
        && talk.unanswered_tail >= 2
    {
        let says =
            format!("{} requests after the reset were not answered.", talk.unanswered_tail.saturating_sub(1));
        let cause = match stages.link_up_after_reset {
            Some(_) if talk.subscribed && talk.notifications_now != Some(true) => Finding::LinkSettingsLost,
            // It came back, and does not listen.
            Some(_) => Finding::BondsLost,
            None => Finding::NoReturn,
        };
        cases.push(Case::at(cause, Certainty::Likely, says, stages.asked_after_reset));
        return;
    }
    let (Some(at), Some(list)) = (stages.listed_after_reset, &talk.list) else { return };
    let Some(active) = list.iter().find(|image| image.active && image.image == 0) else { return };
    let other = active.hash != talk.active_before && active.hash != talk.marked_hash;
    if other && !active.hash.is_empty() && active.version == talk.marked_version {
        let says = format!(
            "After the reset version {} runs, as it was sent, but with another hash than that of the image that was marked.",
            active.version
        );
        cases.push(Case::at(Finding::HashChanged, Certainty::Likely, says, Some(at)));
        return;
    }
    let unchanged = !talk.active_before.is_empty() && active.hash == talk.active_before;
    if unchanged && active.hash != talk.marked_hash && reset.frame < at.frame {
        let confirmed_before = stages.confirmed.is_some();
        let still_marked = list.iter().any(|image| {
            !image.active
                && (image.pending || image.permanent)
                && (talk.marked_hash.is_empty() || image.hash == talk.marked_hash)
        });
        if let Some(ran) = stages.ran {
            let says = format!("The new image ran, and then version {} runs again.", active.version);
            let mut case = Case::at(Finding::NoConfirmation, Certainty::Likely, says, Some(ran));
            case.marks.push(at);
            cases.push(case);
        } else if still_marked && stages.resets > 1 {
            let says = format!(
                "After {} resets the device still runs version {}, and the new image is still marked.",
                stages.resets, active.version
            );
            cases.push(Case::at(Finding::SwapNotPerformed, Certainty::Likely, says, Some(at)));
        } else if !confirmed_before {
            let says = format!(
                "After the reset the device still runs version {}, and the marked image does not run.",
                active.version
            );
            cases.push(Case::at(Finding::BootloaderRefused, Certainty::Likely, says, Some(at)));
        }
    }
}

/// The verdict where no cause fits.
pub(super) fn nothing_wrong(talk: &Talk) -> Case {
    let mut says = String::new();
    match talk.upload.as_ref() {
        Some(upload) if upload.complete => {
            says += &format!("The upload of {} bytes is complete.", upload.len.unwrap_or(upload.reached));
        }
        Some(upload) if talk.responses > 0 => {
            let len = upload.len.map_or("an unknown number".to_owned(), |len| len.to_string());
            says += &format!(
                "The trace ends in the middle of an upload, at {} of {len} bytes, and nothing is wrong up to there.",
                upload.reached
            );
        }
        _ => says += "Nothing that was asked or answered here is wrong.",
    }
    let repaired = talk.lost_chunks.count + talk.replayed.count + talk.repeated_requests.count;
    if repaired > 0 {
        says += &format!(
            " {} losses, {} repeated answers and {} repeated requests were made good.",
            talk.lost_chunks.count, talk.replayed.count, talk.repeated_requests.count
        );
    }
    Case::at(Finding::NothingWrong, Certainty::Likely, says, talk.last_mark)
}
