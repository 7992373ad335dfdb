//! From pieces to frames, and from several tellings of a frame to one.

use super::told::{Content, Dress, Place, Told};
use crate::diagnose::{Glance, glance};
use crate::smp::header::HEADER_LEN;
use crate::smp::{Op, group, mangled};
use std::collections::VecDeque;

/// How many frames may be under way at once: log, radio and both directions.
const MOST_PENDING: usize = 6;
/// How many lines a piece may stand away from the one before it.
const PIECE_REACH: u64 = 400;
/// How far a body may reach beyond the length in its header.
const LONGEST_BEYOND: usize = 1024;
/// Shorter pieces go on with a frame only if they end it, and in its own voice.
const LEAST_PIECE: usize = 4;
/// How many frames are remembered to recognise another telling of them.
const REMEMBERED: usize = 24;
/// How far the tellings of a frame stand apart at most, in lines and in milliseconds.
const TELLING_REACH: u64 = 32;
const TELLING_REACH_MS: u64 = 1_000;

/// Whether `bytes` begin like a frame, so clearly that text or numbers are not taken for one.
pub(super) fn starts_frame(bytes: &[u8]) -> bool {
    let [first, flags, high, low, group_high, group_low, _, command, body @ ..] = bytes else { return false };
    let known_op = first & 0xf0 == 0 && Op::from_number(first & 0x07).is_some();
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let number = u16::from_be_bytes([*group_high, *group_low]);
    let known_group = group::name(number).is_some() || number >= group::VENDOR_FIRST;
    let map = matches!(body.first(), Some(0xa0..=0xbb | 0xbf));
    // Eight bytes without a body are many things: registers, addresses, zeros.
    if body.is_empty() && length == 0 {
        let known = crate::diagnose::command_name(number, *command).is_some();
        return known_op && *flags == 0 && known && bytes.iter().any(|byte| *byte != 0);
    }
    known_op && *flags == 0 && (known_group && (map || length == body.len()) || length == body.len() && length > 0)
        // Clients that write the length or the group in the wrong order, or leave the length at 0.
        || known_op && *flags == 0 && map && known_group
        || known_op && *flags == 0 && map && length.swap_bytes_16() == body.len()
}

/// How long the frame is that begins here, by its header; `None` where the header does not reach so far.
pub(super) fn announced(bytes: &[u8]) -> Option<usize> {
    let [_, _, high, low, ..] = bytes else { return None };
    Some(HEADER_LEN + usize::from(u16::from_be_bytes([*high, *low])))
}

/// Whether `bytes` are exactly one frame.
pub(super) fn is_one_frame(bytes: &[u8]) -> bool {
    starts_frame(bytes) && announced(bytes) == Some(bytes.len())
}

/// Whether `bytes` begin like a frame, or like one that passed through a text encoding.
pub(super) fn is_like_a_frame(bytes: &[u8]) -> bool {
    starts_frame(bytes) || without_encoding(bytes).is_some()
}

trait SwapBytes16 {
    fn swap_bytes_16(self) -> usize;
}

impl SwapBytes16 for usize {
    fn swap_bytes_16(self) -> usize {
        usize::from((self as u16).swap_bytes())
    }
}

/// A frame, read, with what is known of its way through the trace.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) glance: Glance,
    pub(super) place: Place,
    pub(super) dress: Dress,
    pub(super) link: u32,
    /// A sum over its bytes; 0 for words.
    pub(super) sum: u32,
    /// It ends before its length, and no piece goes on with it.
    pub(super) cut: bool,
    /// The line ends with its bytes, so wide it is; 0 where something follows them.
    pub(super) width: usize,
    /// In how many pieces it came.
    pub(super) pieces: u32,
    /// The bytes passed through a text encoding.
    pub(super) mangled: bool,
}

/// A frame that lacks bytes.
#[derive(Debug)]
struct Pending {
    bytes: Vec<u8>,
    need: usize,
    first_piece: usize,
    pieces: u32,
    /// The length was reached and the body was not at its end: the header may tell that of another frame.
    beyond: bool,
    told: Telling,
}

#[derive(Debug, Clone, Copy)]
struct Telling {
    place: Place,
    last_line: u64,
    voice: u32,
    dress: Dress,
    width: usize,
    link: u32,
    /// It leaves bytes of the frame out.
    partial: bool,
}

/// A frame that was told, with the voices that told it.
#[derive(Debug)]
struct Remembered {
    key: Key,
    sum: u32,
    place: Place,
    voices: Vec<u32>,
    link: u32,
    /// No telling had all its bytes so far.
    partial: bool,
}

/// What two tellings of one frame have in common, also if one of them lacks the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    op: Option<Op>,
    group: u16,
    command: u8,
    sequence: Option<u8>,
    announced: usize,
}

/// Puts frames together.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    pending: Vec<Pending>,
    remembered: VecDeque<Remembered>,
    /// The last frame, of which the log showed a part and may show the whole in its next telling.
    held: Option<(Key, Whole)>,
    /// Further tellings of frames that were told already.
    pub(super) retold: u64,
    /// Bytes that belong to no frame.
    pub(super) strays: u64,
}

impl Assembly {
    /// Takes what was told; whole frames go to `whole`.
    pub(super) fn take(&mut self, told: Told, whole: &mut dyn FnMut(Whole)) {
        let telling = Telling {
            place: told.place,
            last_line: told.place.line,
            voice: told.voice,
            dress: told.dress,
            width: told.width,
            link: told.link,
            partial: false,
        };
        match told.content {
            Content::Bytes(bytes) => self.bytes(bytes, telling, whole),
            Content::Headers(bytes, left_out) => {
                let mut full = bytes;
                if !starts_frame(&full) {
                    // It goes on with a frame; what is left out is data, whatever it was, and no header.
                    full.resize(full.len() + left_out.min(65_543), 0xff);
                    if self.pending.iter().any(|pending| pending.told.voice == telling.voice) {
                        self.bytes(full, telling, whole);
                    }
                    return;
                }
                let there = full.len();
                let is_chunk = is_chunk(&full);
                if is_chunk {
                    full.resize(there + left_out.min(65_543), 0);
                }
                if let Some(mut glance) = glance(&full, false) {
                    if is_chunk {
                        // The data is not there, so nothing can be said of it.
                        glance.noticed.retain(|noticed| {
                            !matches!(noticed.code, "not_an_mcuboot_image" | "sha_not_of_file")
                        });
                        // Only a first chunk tells the length.
                        glance.off = glance.off.or(glance.len.and(Some(0)));
                    } else {
                        in_part(&mut glance, there + left_out);
                    }
                    let telling = Telling { partial: true, ..telling };
                    self.tell(glance, sum(&full[..there]), telling, false, 1, false, whole);
                }
            }
            Content::Words(glance) => self.tell(*glance, 0, telling, false, 1, false, whole),
            Content::Event(_) => {}
        }
    }

    /// No more pieces come, or the link went down: what is under way stays cut.
    pub(super) fn flush(&mut self, whole: &mut dyn FnMut(Whole)) {
        self.release(whole);
        for pending in std::mem::take(&mut self.pending) {
            self.cut(pending, whole);
        }
    }

    /// Something else happened: what was shown in part stays so.
    pub(super) fn release(&mut self, whole: &mut dyn FnMut(Whole)) {
        if let Some((_, held)) = self.held.take() {
            whole(held);
        }
    }

    fn bytes(&mut self, bytes: Vec<u8>, telling: Telling, whole: &mut dyn FnMut(Whole)) {
        let mut rest = &bytes[..];
        let mut unmangled;
        let mut mangled = false;
        if !starts_frame(rest) {
            let Some(after) = self.piece(rest, telling, whole) else {
                unmangled = without_encoding(rest);
                match &mut unmangled {
                    Some(bytes) => {
                        mangled = true;
                        let glance = glance(bytes, false);
                        if let Some(glance) = glance {
                            let sum = sum(rest);
                            self.tell(glance, sum, telling, false, 1, mangled, whole);
                        }
                    }
                    None if rest.len() < LEAST_PIECE => {}
                    None => match body_alone(rest) {
                        Some(glance) => self.tell(glance, 0, telling, false, 1, false, whole),
                        None => self.strays += rest.len() as u64,
                    },
                }
                return;
            };
            rest = &rest[after..];
        }
        while starts_frame(rest) || starts_frame(rest.get(..8).unwrap_or_default()) {
            let Some(seen) = glance(rest, telling.dress == Dress::Console) else { return };
            let need = 8 + seen.announced;
            let complete = seen.length >= need || seen.whole || seen.length < rest.len();
            // Whose answer is here is not under way any more, in this trace at least.
            let answers = |pending: &Pending| {
                let asked = &pending.bytes;
                let is_request = asked[0] & 1 == 0;
                // An answer is over when something is asked again.
                let asks = rest[0] & 1 == 0;
                is_request && !asks && asked[4..8] == rest[4..8] || !is_request && asks
            };
            self.give_up(answers, whole);
            // Nothing else of this voice can be under way any more.
            self.give_up(
                |pending| pending.told.voice == telling.voice && pending.told.link == telling.link,
                whole,
            );
            if complete {
                let length = seen.length.max(8).min(rest.len());
                self.tell(seen, sum(&rest[..length]), telling, false, 1, mangled, whole);
                rest = &rest[length..];
            } else {
                if self.pending.len() == MOST_PENDING {
                    let oldest = self.pending.remove(0);
                    self.cut(oldest, whole);
                }
                self.pending.push(Pending {
                    bytes: rest.to_vec(),
                    need,
                    first_piece: rest.len(),
                    pieces: 1,
                    beyond: false,
                    told: telling,
                });
                return;
            }
        }
        self.strays += rest.len() as u64;
    }

    /// Takes a piece that goes on with a frame; how many of its bytes belong to that frame.
    fn piece(&mut self, bytes: &[u8], telling: Telling, whole: &mut dyn FnMut(Whole)) -> Option<usize> {
        self.give_up(|pending| telling.place.line > pending.told.last_line + PIECE_REACH, whole);
        let fits = |pending: &Pending, strict: bool| {
            let missing = pending.need.saturating_sub(pending.bytes.len());
            let same_size = bytes.len() == pending.first_piece || bytes.len() == missing;
            let told = &pending.told;
            told.link == telling.link
                && told.dress == telling.dress
                && if strict || pending.beyond {
                    told.voice == telling.voice
                } else {
                    bytes.len() <= missing && same_size
                }
        };
        // Base64 of another size is a word, whoever says it, and a few digits are a number unless they are all that lacks.
        let strict = telling.dress != Dress::Base64 && bytes.len() >= LEAST_PIECE;
        let at = self
            .pending
            .iter()
            .rposition(|pending| fits(pending, true) && (strict || fits(pending, false)))
            .or_else(|| {
                let others = bytes.len() >= LEAST_PIECE;
                self.pending.iter().rposition(|pending| others && fits(pending, false))
            })?;
        let pending = &mut self.pending[at];
        let missing = pending.need.saturating_sub(pending.bytes.len());
        let taken = if pending.beyond { bytes.len() } else { bytes.len().min(missing) };
        pending.bytes.extend_from_slice(&bytes[..taken]);
        pending.pieces += 1;
        pending.told.last_line = telling.place.line;
        if pending.bytes.len() >= pending.need
            && let Some(seen) = glance(&pending.bytes, pending.told.dress == Dress::Console)
        {
            let own_voice = pending.told.voice == telling.voice;
            if seen.whole || !own_voice || pending.bytes.len() > pending.need + LONGEST_BEYOND {
                let done = self.pending.remove(at);
                self.tell(seen, sum(&done.bytes), done.told, false, done.pieces, false, whole);
            } else if !pending.beyond {
                pending.beyond = true;
                let rest = &bytes[taken..];
                pending.bytes.extend_from_slice(rest);
                return Some(bytes.len());
            }
        }
        Some(taken)
    }

    fn give_up(&mut self, which: impl Fn(&Pending) -> bool, whole: &mut dyn FnMut(Whole)) {
        while let Some(at) = self.pending.iter().position(&which) {
            let pending = self.pending.remove(at);
            self.cut(pending, whole);
        }
    }

    fn cut(&mut self, pending: Pending, whole: &mut dyn FnMut(Whole)) {
        if let Some(glance) = glance(&pending.bytes, pending.told.dress == Dress::Console) {
            let cut = pending.bytes.len() < pending.need;
            self.tell(glance, sum(&pending.bytes), pending.told, cut, pending.pieces, false, whole);
        }
    }

    /// Hands a frame on, unless it is another telling of one that was told.
    #[allow(clippy::too_many_arguments)]
    fn tell(
        &mut self,
        glance: Glance,
        sum: u32,
        telling: Telling,
        cut: bool,
        pieces: u32,
        mangled: bool,
        whole: &mut dyn FnMut(Whole),
    ) {
        let Telling { place, voice, dress, width, link, partial, .. } = telling;
        let partial = partial || cut;
        let key = Key {
            op: glance.op,
            group: glance.group,
            command: glance.command,
            sequence: glance.sequence,
            announced: glance.announced,
        };
        if let Some((held_key, held)) = self.held.take() {
            let near = place.line.abs_diff(held.place.line) <= TELLING_REACH;
            if held_key == key && held.link == link && near && !partial && sum != 0 {
                if let Some(known) = self.remembered.back_mut() {
                    known.voices.push(voice);
                    (known.sum, known.partial) = (sum, false);
                }
                self.retold += 1;
                let place = held.place;
                whole(Whole { glance, place, dress, link, sum, cut, width, pieces, mangled });
                return;
            }
            whole(held);
        }
        let headless = glance.sequence.is_none();
        let alike = |known: &&mut Remembered| {
            let same = match headless {
                true => known.key.op == key.op,
                // Words may leave out the command and the length.
                false if sum == 0 || known.sum == 0 => {
                    let of = |key: Key| (key.op, key.group, key.sequence);
                    of(known.key) == of(key)
                }
                false => known.key == key,
            };
            let sums = known.sum == sum || known.sum == 0 || sum == 0 || known.partial || partial;
            known.link == link && same && sums
        };
        // Words without a header are taken for a telling only of the very frame before them.
        let found = match headless {
            true => self.remembered.back_mut().filter(|known| alike(known)),
            false => self.remembered.iter_mut().rev().find(alike),
        };
        if let Some(known) = found {
            let near =
                place.line.abs_diff(known.place.line) <= TELLING_REACH && place.line != known.place.line;
            let soon = match (place.time_ms, known.place.time_ms) {
                (Some(now), Some(then)) => now.abs_diff(then) <= TELLING_REACH_MS,
                _ => true,
            };
            let captured = matches!(dress, Dress::Recording | Dress::Binary | Dress::Capture);
            if !captured && near && soon && !known.voices.contains(&voice) && known.voices.len() < 8 {
                known.voices.push(voice);
                if known.sum == 0 || known.partial && !partial {
                    (known.sum, known.partial) = (sum, partial);
                }
                self.retold += 1;
                return;
            }
        }
        if self.remembered.len() == REMEMBERED {
            self.remembered.pop_front();
        }
        self.remembered.push_back(Remembered { key, sum, place, voices: vec![voice], link, partial });
        let frame = Whole { glance, place, dress, link, sum, cut, width, pieces, mangled };
        if frame.glance.in_part {
            self.held = Some((key, frame));
        } else {
            whole(frame);
        }
    }
}

/// Whether these first bytes are those of a request that carries data of an image or a file.
fn is_chunk(frame: &[u8]) -> bool {
    let place = (u16::from_be_bytes([frame[4], frame[5]]), frame[7]);
    frame[0] & 1 == 0
        && matches!(place, (group::IMAGE, group::image::UPLOAD) | (group::FILE, group::file::FILE))
}

/// Of a frame of this length only the first bytes are there: what they say counts, and nothing that they would lack.
fn in_part(glance: &mut Glance, length: usize) {
    // A request that changes the state, and is longer than what is shown, names an image.
    let marks = glance.op == Some(Op::Write) && glance.is_image(group::image::STATE);
    let (images, hash) = (None, marks.then(Vec::new));
    *glance = Glance {
        length,
        in_part: true,
        whole: true,
        images,
        hash,
        noticed: Vec::new(),
        ..std::mem::take(glance)
    };
}

/// The body of an answer or a request of the image group, as some tools show it: without header, so without sequence number.
fn body_alone(body: &[u8]) -> Option<Glance> {
    const OFF: &[u8] = b"\x63off";
    const DATA: &[u8] = b"\x64data";
    const IMAGES: &[u8] = b"\x66images";
    let map = matches!(body.first(), Some(0xa1..=0xb7 | 0xbf));
    let length = u16::try_from(body.len()).ok().filter(|_| map)?;
    let holds = |key: &[u8]| body.windows(key.len()).any(|part| part == key);
    let (op, command) = match (holds(IMAGES), holds(OFF), holds(DATA)) {
        (true, ..) => (Op::ReadResponse, group::image::STATE),
        (_, true, true) => (Op::Write, group::image::UPLOAD),
        (_, true, false) => (Op::WriteResponse, group::image::UPLOAD),
        _ => return None,
    };
    let [high, low] = length.to_be_bytes();
    let frame = [&[op as u8, 0, high, low, 0, group::IMAGE as u8, 0, command], body].concat();
    let seen = glance(&frame, false).filter(|seen| seen.whole)?;
    Some(Glance { sequence: None, ..seen })
}

fn sum(bytes: &[u8]) -> u32 {
    let hash =
        bytes.iter().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    hash.max(1)
}

/// The frame that these bytes were before they passed through a text encoding.
fn without_encoding(bytes: &[u8]) -> Option<Vec<u8>> {
    let (before, replaced) = mangled::undone(bytes)?;
    (replaced || starts_frame(&before)).then_some(before)
}
