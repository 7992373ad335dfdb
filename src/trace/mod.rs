//! Whole traces explained: what people have in their hands becomes lines that can be read, and a verdict.
//!
//! Bytes go in as they are, in pieces of any size: a log, a dump, JSON of a gateway, frames one after the other. The form is
//! recognised line by line, mixed with whatever else the log holds. Out come one line for each frame, in order, and at the end
//! a verdict: the cause out of one table ([`Finding`]), the frames that show it, the next step, what was ruled out, and what the
//! trace cannot decide.
//!
//! Memory does not grow with the trace: frames are judged as they come, and only what an update needs is kept of them.

mod assembly;
mod capture;
mod causes;
mod figures;
mod input;
mod judge;
mod line;
mod report;
mod stream;
mod talk;
mod text;
mod told;

pub use crate::recording::FIRST_LINE;
pub use causes::symptom_and_evidence;

use crate::failure::Finding;
use assembly::Assembly;
use capture::Capture;
use input::{Input, Kind, Part};
use judge::FileFacts;
use line::Printer;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use stream::Stream;
use talk::Talk;
use told::{Content, Dress, Event, Place, Told};

/// With so many lines unread no more bytes are taken.
const MOST_LINES: usize = 64;
/// How many links or devices of one trace are told apart.
const MOST_LINKS: usize = 8;

/// A trace that is being read.
pub struct Trace {
    input: Input,
    model: Model,
    ended: bool,
}

/// Everything behind the input.
#[derive(Default)]
struct Model {
    reader: text::Reader,
    stream: Stream,
    capture: Option<Box<Capture>>,
    assembly: Assembly,
    talks: BTreeMap<u32, Talk>,
    /// What is judged when there is no frame at all.
    nothing: Talk,
    printer: Printer,
    lines: VecDeque<String>,
    frames: u64,
    line: u64,
    within_line: bool,
    facts: FileFacts,
}

impl Default for Trace {
    fn default() -> Trace {
        Trace::new()
    }
}

impl Trace {
    /// Begins with nothing.
    pub fn new() -> Trace {
        Trace { input: Input::default(), model: Model::default(), ended: false }
    }

    /// Takes the next bytes of the trace and says how many of them were taken: fewer than given while lines wait to be read with
    /// [`Trace::next_line`]. After [`Trace::verdict`] none are taken.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        if self.ended || self.model.lines.len() >= MOST_LINES {
            return 0;
        }
        let Trace { input, model, .. } = self;
        input.feed(bytes, &mut |part| {
            model.part(part);
            model.lines.len() < MOST_LINES
        })
    }

    /// The next line of text, without an end of line: a frame, or what the trace says of the link.
    pub fn next_line(&mut self) -> Option<String> {
        self.model.lines.pop_front()
    }

    /// The line that [`Trace::next_line`] would give; it stays where it is.
    pub fn peek_line(&self) -> Option<&str> {
        self.model.lines.front().map(String::as_str)
    }

    /// How many bytes [`Trace::feed`] has taken so far.
    pub fn bytes(&self) -> u64 {
        self.input.bytes
    }

    /// Whether the trace was ended: by [`Trace::end`], [`Trace::verdict`] or [`Trace::cause`].
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The trace ends here: what was under way is finished, and further lines may wait.
    pub fn end(&mut self) {
        if !self.ended {
            self.ended = true;
            let Trace { input, model, .. } = self;
            input.end(&mut |part| {
                model.part(part);
                true
            });
            model.end();
            model.facts.bytes = input.bytes;
            model.facts.capture = model.capture.as_ref().map(|capture| capture.facts());
            if let Some(Kind::Packed(word)) = input.kind() {
                model.facts.unpack_first = Some(word);
            }
            model.facts.shows_the_link = model.capture.is_some() || model.reader.is_btmon();
            model.facts.container = match input.kind() {
                Some(Kind::Utf16 { .. }) => "text in UTF-16",
                Some(Kind::Frames) => "frames as they are",
                Some(Kind::Packed(word)) => word,
                Some(Kind::Capture(format)) => format.name(),
                _ if model.reader.is_btmon() => "text of btmon",
                _ => "text",
            };
        }
    }

    /// Ends the trace and gives the verdict as JSON; `docs/DIAGNOSIS.md` lists its fields.
    pub fn verdict(&mut self) -> Value {
        self.end();
        let model = &self.model;
        let mut verdict =
            report::of(model.main_talk(), model.talks.len(), &model.facts, model.assembly.retold);
        make_printable(&mut verdict);
        verdict
    }

    /// Ends the trace and gives the cause alone.
    pub fn cause(&mut self) -> Finding {
        self.end();
        judge::judge(self.model.main_talk(), &self.model.facts)[0].cause
    }
}

/// Every text in a report as [`line::printable`] leaves it.
fn make_printable(value: &mut Value) {
    match value {
        Value::String(text) => *text = line::printable(std::mem::take(text)),
        Value::Array(values) => values.iter_mut().for_each(make_printable),
        Value::Object(fields) => fields.values_mut().for_each(make_printable),
        _ => {}
    }
}

impl Model {
    fn part(&mut self, part: Part<'_>) {
        // What is told is collected first, since the reader and the assembly belong to one model.
        let mut told = Vec::new();
        let goes_on = matches!(part, Part::Stretch(_));
        match part {
            Part::Line(line) | Part::Stretch(line) => {
                // The parts of a long line have one number.
                self.line += u64::from(!self.within_line);
                self.within_line = goes_on;
                if self.facts.first_line.is_empty() {
                    let start = String::from_utf8_lossy(&line[..line.len().min(160)]);
                    self.facts.first_line = start.chars().filter(|c| !c.is_control()).take(80).collect();
                }
                self.reader.line(self.line, line, &mut |item| told.push(item));
            }
            Part::Packets(format, bytes) => {
                let capture = self.capture.get_or_insert_with(|| Box::new(Capture::new(format)));
                capture.feed(bytes, &mut |item| told.push(item));
                self.line = capture.facts().packets;
            }
            Part::Bytes(bytes) => {
                self.stream.feed(bytes, false, &mut |frame| told.push(as_it_is(frame)));
                for told in &mut told {
                    self.line += 1;
                    told.place.line = self.line;
                }
            }
        }
        told.into_iter().for_each(|told| self.told(told));
    }

    fn told(&mut self, told: Told) {
        let (link, place) = (told.link, told.place);
        if let Content::Event(event) = told.content {
            match event {
                Event::LinkDown(_) => self.flush(),
                _ => self.frames_of(|assembly, whole| assembly.release(whole)),
            }
            let said = self.talk(link).event(event, place);
            self.lines.push_back(self.printer.event(place, &said));
            return;
        }
        self.frames_of(|assembly, whole| assembly.take(told, whole));
    }

    /// Takes the frames that the assembly hands on.
    fn frames_of(&mut self, hand_on: impl FnOnce(&mut Assembly, &mut dyn FnMut(assembly::Whole))) {
        let mut frames = Vec::new();
        hand_on(&mut self.assembly, &mut |frame| frames.push(frame));
        frames.iter().for_each(|frame| self.frame(frame));
    }

    fn frame(&mut self, frame: &assembly::Whole) {
        self.frames += 1;
        let number = self.frames;
        if !self.facts.dresses.contains(&frame.dress) {
            self.facts.dresses.push(frame.dress);
        }
        let said = self.talk(frame.link).frame(frame, number);
        self.lines.push_back(self.printer.frame(frame, number, &said));
    }

    /// The conversation of a link; what comes after the first few is one.
    fn talk(&mut self, link: u32) -> &mut Talk {
        let link =
            if self.talks.len() < MOST_LINKS || self.talks.contains_key(&link) { link } else { u32::MAX };
        self.talks.entry(link).or_default()
    }

    /// The conversation with the most frames; without any, the one of which the link says the most.
    fn main_talk(&self) -> &Talk {
        let weight = |talk: &&Talk| (talk.frames, talk.att_errors.len());
        self.talks.values().max_by_key(weight).unwrap_or(&self.nothing)
    }

    fn flush(&mut self) {
        self.frames_of(|assembly, whole| assembly.flush(whole));
    }

    fn end(&mut self) {
        let mut told = Vec::new();
        self.stream.feed(&[], true, &mut |frame| told.push(as_it_is(frame)));
        self.reader.end(&mut |item| told.push(item));
        told.into_iter().for_each(|told| self.told(told));
        self.flush();
        self.facts.lines = self.line;
        self.facts.lines_with_bytes = self.reader.lines_with_bytes;
        self.facts.damaged_console_lines = self.reader.damaged_console_lines();
    }
}

/// A frame of a file that holds nothing but frames; its place is its number.
fn as_it_is(frame: Vec<u8>) -> Told {
    Told {
        place: Place::default(),
        voice: 0,
        dress: Dress::Binary,
        content: Content::Bytes(frame),
        width: 0,
        link: 0,
    }
}
