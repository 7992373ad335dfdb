//! The verdict as JSON.

use super::causes::symptom_and_evidence;
use super::judge::{Case, FileFacts, judge, points, ruled_out, undecided};
use super::talk::{Mark, Talk};
use crate::json::json;
use serde_json::Value;

pub(super) fn of(talk: &Talk, links: usize, facts: &FileFacts, retold: u64) -> Value {
    let cases = judge(talk, facts);
    let cause = &cases[0];
    let dresses: Vec<&str> = facts.dresses.iter().map(|dress| dress.name()).collect();
    json!({
        "cause": cause.cause.name(),
        "number": cause.cause.number(),
        "certainty": cause.certainty.name(),
        "says": cause.says,
        "symptom": symptom_and_evidence(cause.cause).0,
        "next_step": cause.cause.advice(),
        "evidence": evidence(cause),
        "points": points(talk),
        "also": cases[1..].iter().map(also).collect::<Vec<_>>(),
        "ruled_out": ruled_out(talk, &cases).iter().map(|(finding, why)| json!({ "cause": finding.name(), "why": why })).collect::<Vec<_>>(),
        "undecided": undecided(talk),
        "phases": phases(talk),
        "figures": figures(talk, retold),
        "format": {
            "container": facts.container,
            "frames_in": dresses,
            "lines": facts.lines,
            "bytes": facts.bytes,
            "links": links.max(1),
            "packets": facts.capture.map(|capture| capture.packets),
            "encrypted_packets": facts.capture.map(|capture| capture.encrypted),
            "ends_within_a_packet": facts.capture.map(|capture| capture.ends_within),
        },
    })
}

fn evidence(case: &Case) -> Value {
    json!({
        "count": case.count,
        "frames": case.marks.iter().map(mark).collect::<Vec<_>>(),
        "since_ms": case.marks.first().and_then(|mark| mark.place.time_ms),
    })
}

fn mark(mark: &Mark) -> Value {
    json!({ "frame": mark.frame, "line": mark.place.line, "time_ms": mark.place.time_ms })
}

fn also(case: &Case) -> Value {
    json!({
        "cause": case.cause.name(),
        "number": case.cause.number(),
        "certainty": case.certainty.name(),
        "says": case.says,
        "next_step": case.cause.advice(),
        "evidence": evidence(case),
    })
}

/// The stages that the trace shows, in their order.
fn phases(talk: &Talk) -> Value {
    let stages = &talk.stages;
    let mut phases: Vec<(u64, Value)> = Vec::new();
    let mut add = |name: &str, at: Option<Mark>, state: String| {
        if let Some(at) = at {
            phases.push((at.frame, json!({ "phase": name, "frame": at.frame, "state": state })));
        }
    };
    add("list", stages.listed, "listed".to_owned());
    add("erase", stages.erased, "asked for".to_owned());
    if let Some(upload) = &talk.upload {
        let len = upload.len.map_or("an unknown number of".to_owned(), |len| len.to_string());
        let state = match upload.complete {
            true => format!("complete, {} bytes", upload.reached),
            false => format!("stopped at {} of {len} bytes", upload.reached),
        };
        add("upload", upload.first.or(upload.last), state);
    }
    add("verify", stages.listed_after_upload, "listed".to_owned());
    let kind = if stages.marked_for_good { "for good" } else { "for a trial" };
    add(
        "mark",
        stages.marked,
        format!("{kind}, {}", if stages.mark_accepted { "accepted" } else { "not answered well" }),
    );
    add(
        "reset",
        stages.reset,
        if stages.answered_after_reset.is_some() { "came back" } else { "no answer after it" }.to_owned(),
    );
    add("verify boot", stages.listed_after_reset, "listed".to_owned());
    add("confirm", stages.confirmed, "asked for".to_owned());
    phases.sort_by_key(|(frame, _)| *frame);
    Value::Array(phases.into_iter().map(|(_, phase)| phase).collect())
}

fn figures(talk: &Talk, retold: u64) -> Value {
    let upload = talk.upload.as_ref();
    let span = talk.upload_times.map(|(from, to)| to.saturating_sub(from)).filter(|span| *span > 0);
    let unanswered =
        talk.both_ways().then(|| talk.asked.iter().filter(|asked| asked.answered.is_none()).count());
    json!({
        "frames": talk.frames,
        "requests": talk.requests,
        "responses": talk.responses,
        "unanswered_among_the_last_64": unanswered,
        "told_again_by_the_log": retold,
        "repeated_requests": talk.repeated_requests.count,
        "repeated_answers": talk.replayed.count,
        "answers_without_request": talk.foreign.count,
        "late_answers": talk.late.count,
        "lost_chunks": talk.lost_chunks.count,
        "chunks": upload.map(|upload| upload.chunks),
        "chunks_sent_again": upload.map(|upload| upload.repeated_chunks),
        "longest_frame_answered": talk.longest_answered,
        "longest_answer": talk.longest_answer,
        "buffers": talk.buf_count,
        "buffer_size": talk.buf_size,
        "uploads_complete": talk.uploads_complete,
        "bytes_taken": talk.upload_bytes,
        "bytes_per_second": span.map(|span| talk.upload_bytes * 1000 / span),
        "round_trip_ms": talk.round_trip.describe(),
    })
}
