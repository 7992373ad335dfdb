//! One request that is sent until it is answered: timeouts, retries, back-off, and the fall-back to the other protocol version.

use super::evidence::ODD_IN_A_ROW;
use super::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::smp::error::rc;
use crate::smp::header::HEADER_LEN;
use crate::smp::{DeviceError, Frame, Op, Version, group};
use crate::snapshot::{Reader, Writer, damaged};
use crate::status::Status;

/// How patient a request is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The shortest time an answer may take, in milliseconds.
    pub floor_ms: u32,
    /// How often the request is sent at most.
    pub attempts: u32,
}

/// What [`Request::poll`] wants.
#[derive(Debug)]
pub(crate) enum Poll {
    /// The first bytes of the buffer hold a frame of this length.
    Send(usize),
    /// Nothing until an answer comes or the deadline passes.
    Wait,
    /// No answer came to any of the attempts.
    Expired,
}

/// What a frame is to a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// It answers the request; the request is over.
    Answer(Option<DeviceError>),
    /// It answers the request, which will be sent again.
    Again,
    /// It answers an attempt of this request whose answer was already seen.
    Other,
}

/// How many attempts are remembered, so that a late answer to an early one still counts.
const REMEMBERED: usize = 8;
/// So many attempts are made at the pace of the hint while nothing was ever answered.
const GUESSES: u32 = 3;
/// How often a link event gives a request all its attempts anew.
const MOST_RESTARTS: u8 = 8;
/// From this attempt on a small echo goes out beside the request, to find out what still passes.
const ECHO_FROM: u32 = 3;
/// How long the answer to a request may come behind that to an echo sent after it, in milliseconds at least.
const BEHIND_ECHO_MS: u64 = 500;
/// How long the rest of an answer may come behind its beginning before it is asked for again, in milliseconds at least.
const BEHIND_CUT_MS: u64 = 1_000;

/// What is known of the small echo beside a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Echo {
    /// None was sent.
    None,
    /// It goes out next.
    Due,
    /// The last one, with this sequence number, is not answered, and none was.
    Sent(u8),
    /// One was answered; the last one has this sequence number.
    Answered(u8),
}

#[derive(Debug)]
pub(crate) struct Request {
    op: Op,
    group: u16,
    command: u8,
    body: Vec<u8>,
    patience: Patience,
    sent: [(u8, u64); REMEMBERED],
    /// How many stand in `sent`, counted on where the attempts begin anew.
    remembered: u32,
    attempts: u32,
    refusals: u32,
    /// Attempts that do not count any more: the request was taken up anew.
    forgiven: u32,
    /// When the attempt was made that was answered.
    asked_at: u64,
    /// How often a link event started it over.
    restarts: u8,
    /// The next attempt, or the end of the last one.
    due: u64,
    answered: bool,
    /// The attempts were made by another process; their times mean nothing.
    foreign_clock: bool,
    /// "Truncated" is no answer yet.
    again_when_cut: bool,
    /// The first attempt tried version 2 again.
    retries_version: bool,
    echo: Echo,
    /// Answers to this request that make no sense, and whether they were empty.
    odd: u8,
    empty: bool,
}

impl Request {
    pub fn new(op: Op, group: u16, command: u8, body: Vec<u8>, patience: Patience) -> Request {
        Request {
            op,
            group,
            command,
            body,
            patience,
            sent: [(0, 0); REMEMBERED],
            remembered: 0,
            attempts: 0,
            refusals: 0,
            forgiven: 0,
            asked_at: 0,
            restarts: 0,
            due: 0,
            answered: false,
            foreign_clock: false,
            again_when_cut: false,
            retries_version: false,
            echo: Echo::None,
            odd: 0,
            empty: false,
        }
    }

    /// The same request, sent again where the device says that it came truncated: for questions whose error would decide something.
    #[must_use]
    pub fn again_when_cut(self) -> Request {
        Request { again_when_cut: true, ..self }
    }

    /// The length of the whole frame.
    pub fn frame_len(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// How long the first answer may take, in milliseconds.
    pub fn patience(&self, talk: &Conversation) -> u32 {
        talk.timeout().max(self.patience.floor_ms)
    }

    /// When [`Request::poll`] has to be called again.
    pub fn deadline(&self) -> u64 {
        self.due
    }

    /// How often the request was sent since it was started or the link came up.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether the request was ever sent.
    pub fn was_sent(&self) -> bool {
        self.attempts > 0
    }

    /// The sequence numbers of the attempts that an answer may still come to.
    pub fn save(&self, out: &mut Writer) {
        let remembered = (self.remembered as usize).min(REMEMBERED);
        out.u8(remembered as u8);
        for (sequence, _) in &self.sent[..remembered] {
            out.u8(*sequence);
        }
    }

    /// Takes the sequence numbers of attempts that another process made.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Failure> {
        let remembered = usize::from(from.u8()?);
        if remembered > REMEMBERED {
            return Err(damaged("a request has more attempts than are kept"));
        }
        for slot in &mut self.sent[..remembered] {
            slot.0 = from.u8()?;
        }
        self.attempts = remembered as u32;
        self.remembered = self.attempts;
        self.foreign_clock = true;
        Ok(())
    }

    /// Sends the request again at once, if `even_if_spent` also after the last attempt. Answers to the earlier ones count.
    pub fn ask_again(&mut self, even_if_spent: bool) {
        if even_if_spent {
            self.attempts = self.attempts.min(self.patience.attempts.saturating_sub(1));
        }
        self.due = 0;
    }

    /// Sends the request again at once, as after the link came up; from the first attempt on, unless the link changes
    /// time and again and nothing is answered.
    pub fn restart(&mut self) {
        if self.restarts < MOST_RESTARTS {
            self.restarts += 1;
            self.attempts = 0;
            self.refusals = 0;
            self.forgiven = 0;
            self.echo = Echo::None;
            self.odd = 0;
        }
        self.due = 0;
    }

    /// Takes up the request anew with all its attempts; answers to the earlier ones count.
    pub fn renew(&mut self) {
        self.forgiven = self.attempts.saturating_sub(self.refusals);
    }

    /// Waits for an answer to what was sent as long as it may take, from `now` on.
    pub fn wait_again(&mut self, talk: &Conversation, now: u64) {
        self.due = now + u64::from(self.patience(talk));
    }

    /// Sends nothing more; an answer to what was sent counts.
    pub fn wait_for_ever(&mut self) {
        self.due = u64::MAX;
    }

    /// When the attempt was made that was answered; 0 if another process made it.
    pub fn asked_at(&self) -> u64 {
        self.asked_at
    }

    pub fn poll(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        let paced = talk.paced_until();
        if self.answered {
            return Poll::Wait;
        }
        if self.odd >= ODD_IN_A_ROW {
            return Poll::Expired;
        }
        if self.echo == Echo::Due && now >= paced {
            return self.send_echo(talk, now, out);
        }
        if now < self.due && !self.foreign_clock {
            self.hurry_behind_cut(talk);
        }
        if now < self.due {
            return Poll::Wait;
        }
        let counted = self.counted();
        // One more while nothing was ever answered: the first ones come close upon each other.
        let more = u32::from(!talk.answered && self.patience.attempts >= GUESSES);
        if counted >= self.patience.attempts + more {
            if self.attempts > 0 && talk.asleep.one_more_answer() {
                self.wait_again(talk, now);
                return Poll::Wait;
            }
            return Poll::Expired;
        }
        if now < paced {
            self.due = paced;
            return Poll::Wait;
        }
        if self.attempts == 0 {
            // With one attempt alone there would be none in the version that works.
            self.retries_version = self.patience.attempts > 1 && talk.retry_version(now);
        } else if self.retries_version {
            self.retries_version = false;
            talk.fall_back(now);
        } else if self.attempts >= 2 && !talk.answered {
            // A server that never answered may be one that drops the other version's header silently.
            talk.try_other_version(now);
        }
        let length = self.frame_len();
        let Some(target) = out.get_mut(..length) else { return Poll::Expired };
        let header = talk.begin_frame(now, self.op, self.group, self.command, self.body.len());
        target[..HEADER_LEN].copy_from_slice(&header.encode());
        target[HEADER_LEN..].copy_from_slice(&self.body);
        if self.attempts > 0 && self.refusals == 0 && self.forgiven == 0 {
            talk.counters.retransmissions = talk.counters.retransmissions.wrapping_add(1);
        }
        self.sent[self.remembered as usize % REMEMBERED] = (header.sequence, now);
        self.remembered = self.remembered.wrapping_add(1);
        // Before anything is measured the hint is all there is: one more request after it costs little, and a lost one would
        // cost three times as much (RFC 6298 section 2.1 starts with one second as well).
        // A server or a path that is up a few seconds late is met by the next ones.
        let guesses = if talk.answered { 1 } else { GUESSES };
        let guessing = self.attempts < guesses && !talk.rtt.is_measured();
        let timeout =
            if guessing { talk.rtt.smoothed().max(self.patience.floor_ms) } else { self.patience(talk) };
        // Doubling (RFC 6298 section 5.5), at most eightfold: the number of attempts is the limit here.
        self.due = now + (u64::from(timeout) << counted.min(3));
        self.attempts += 1;
        let is_echo = (self.group, self.command) == (group::OS, group::os::ECHO);
        if self.attempts >= ECHO_FROM && !is_echo && self.patience.attempts > 1 {
            self.echo = match self.echo {
                // What one answer has shown stays shown.
                Echo::Answered(_) => self.echo,
                _ => Echo::Due,
            };
        }
        Poll::Send(length)
    }

    /// What comes cut will hardly come whole for being waited for; the last attempt is waited for once all the same.
    fn hurry_behind_cut(&mut self, talk: &Conversation) {
        let Some(at) = self.last_attempt() else { return };
        let patience = at + u64::from(self.patience(talk));
        match talk.evidence.cut_since(at) {
            Some(cut) if self.counted() < self.patience.attempts => {
                self.due = self.due.min(cut + BEHIND_CUT_MS.max(u64::from(talk.rtt.smoothed())));
            }
            Some(_) => self.due = self.due.min(patience),
            None if talk.evidence.cut().is_some() => self.due = self.due.min(patience),
            None => {}
        }
    }

    /// Attempts that count. One that was refused for want of a buffer was none.
    fn counted(&self) -> u32 {
        self.attempts.saturating_sub(self.refusals).saturating_sub(self.forgiven)
    }

    /// When the last attempt was made; `None` where another process made it or none was made.
    fn last_attempt(&self) -> Option<u64> {
        let last = self.attempts.checked_sub(1)?;
        (!self.foreign_clock).then(|| self.sent[last as usize % REMEMBERED].1)
    }

    /// Sends the smallest request that every server answers, behind the request itself.
    #[cold]
    fn send_echo(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        // {"d": "#"}
        const BODY: [u8; 5] = [0xa1, 0x61, b'd', 0x61, b'#'];
        let length = HEADER_LEN + BODY.len();
        let Some(target) = out.get_mut(..length) else {
            self.echo = Echo::None;
            return Poll::Wait;
        };
        let header = talk.begin_frame(now, Op::Write, group::OS, group::os::ECHO, BODY.len());
        target[..HEADER_LEN].copy_from_slice(&header.encode());
        target[HEADER_LEN..].copy_from_slice(&BODY);
        self.echo = Echo::Sent(header.sequence);
        Poll::Send(length)
    }

    /// Whether the frame answers the echo beside the request. Then the answer to the request itself is lost: a server
    /// answers in the order in which it was asked.
    #[cold]
    fn echoed(&mut self, talk: &mut Conversation, now: u64, sequence: u8) -> bool {
        let Echo::Sent(sent) = self.echo else { return false };
        if sent != sequence {
            return false;
        }
        self.echo = Echo::Answered(sequence);
        talk.hears_answer();
        talk.counters.expected = talk.counters.expected.wrapping_add(1);
        self.due = self.due.min(now + BEHIND_ECHO_MS.max(u64::from(talk.rtt.smoothed()) / 2));
        true
    }

    /// Looks whether the frame answers this request, and takes the measurement if it does.
    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> Option<Match> {
        let header = frame.header;
        if (header.group, header.command, header.op) == (group::OS, group::os::ECHO, Op::WriteResponse)
            && self.echoed(talk, now, header.sequence)
        {
            return Some(Match::Other);
        }
        if (header.group, header.command, header.op) != (self.group, self.command, self.op.response()) {
            return None;
        }
        let remembered = (self.remembered as usize).min(REMEMBERED);
        let (_, at) = *self.sent[..remembered].iter().find(|(sequence, _)| *sequence == header.sequence)?;
        if self.answered {
            talk.counters.duplicate = talk.counters.duplicate.saturating_add(1);
            return Some(Match::Other);
        }
        talk.hears_answer();
        talk.heard_version(now, header.version);
        let error = match DeviceError::in_body(self.group, frame.body) {
            Ok(error) => error,
            // A vendor's body may be anything.
            Err(_) if self.group >= group::VENDOR_FIRST => None,
            Err(_) => {
                talk.counters.undecodable = talk.counters.undecodable.saturating_add(1);
                self.odd = self.odd.saturating_add(1);
                self.empty = frame.body.is_empty();
                self.due = self.due.min(now + u64::from(talk.timeout()));
                return Some(Match::Other);
            }
        };
        talk.counters.expected = talk.counters.expected.wrapping_add(1);
        let took = now.saturating_sub(at).min(u64::from(u32::MAX)) as u32;
        if self.foreign_clock || !talk.asleep.is_measured(at) {
            // The times are those of another process, or the host slept meanwhile.
        } else if self.patience.floor_ms <= talk.options.timeout_ms {
            talk.rtt.sample(took);
        } else {
            talk.rtt.narrow_hint(took);
        }
        if let Some(error) = error {
            talk.evidence.refused(error, frame.body);
        }
        if let Some(error) = error
            && self.try_again(talk, now, error)
        {
            return Some(Match::Again);
        }
        if error.is_none() && (self.group, self.command) == (group::IMAGE, group::image::STATE) {
            talk.evidence.listed();
        }
        self.answered = true;
        self.asked_at = if self.foreign_clock { 0 } else { at };
        Some(Match::Answer(error))
    }

    fn try_again(&mut self, talk: &mut Conversation, now: u64, error: DeviceError) -> bool {
        // Before Zephyr 3.1 a response that was too long was "no memory" too: a shell command had run by then.
        // Of a frame in one write "truncated" says that the way cut it, not that the device puts no writes together.
        let whole = self.frame_len() <= talk.limits.max_write() as usize;
        let cut = self.again_when_cut && whole && error.is_common(rc::CORRUPT);
        let retryable = error.is_retryable() || cut;
        if retryable && self.refusals < 8 && self.group != group::SHELL {
            talk.note(now, EventKind::Busy(error.code));
            self.refusals += 1;
            self.due = now + (50u64 << self.refusals.min(6));
            return true;
        }
        let version = match error.code {
            rc::TOO_OLD if error.group.is_none() => Version::V2,
            rc::TOO_NEW if error.group.is_none() => Version::V1,
            _ => return false,
        };
        if talk.adopt_version(version) {
            talk.note(now, EventKind::SmpVersion(version as u32 + 1));
            self.due = now;
            return true;
        }
        false
    }

    /// The failure to report when all attempts went unanswered; `what` names the request.
    pub fn expired(&self, talk: &Conversation, what: &str) -> Failure {
        if self.attempts == 0 {
            return Failure::new(
                Status::FrameTooSmall,
                format!(
                    "the {what} request takes {} bytes and a frame may hold {}; raise max_write or max_frame.",
                    self.frame_len(),
                    talk.limits.frame()
                ),
            );
        }
        let unanswered =
            format!("the device did not answer the {what} request, sent {} times.", self.attempts);
        if let Some(cut) = talk.evidence.cut() {
            return cut.failure(&unanswered, self.due);
        }
        if self.odd > 0 {
            let (how, finding) = if self.empty {
                ("a header and nothing behind it", Finding::EmptyAnswers)
            } else {
                ("what is no CBOR map", Finding::None)
            };
            return Failure::new(
                Status::Undecodable,
                format!("the device answered the {what} request {} times with {how}.", self.odd),
            )
            .with_finding(finding);
        }
        let finding = match self.echo {
            _ if !talk.answered => talk.evidence.never_answered(self.due),
            Echo::Answered(_) if self.answer_is_long() && !talk.evidence.has_listed() => {
                Finding::LongAnswersLost
            }
            Echo::Sent(_) => Finding::ServerStuck,
            _ => Finding::None,
        };
        let passes = match self.echo {
            Echo::Answered(_) => " An echo was answered all the same.",
            _ => "",
        };
        Failure::new(Status::Timeout, unanswered + passes).with_finding(finding)
    }

    /// Whether the answer is among the longest that servers give.
    fn answer_is_long(&self) -> bool {
        matches!(
            (self.group, self.command),
            (group::IMAGE, group::image::STATE | group::image::SLOT_INFORMATION)
                | (
                    group::OS,
                    group::os::TASK_STATISTICS | group::os::MEMORY_POOL_STATISTICS | group::os::INFORMATION
                )
                | (group::STATISTICS | group::SETTINGS | group::FILE | group::SHELL, _)
        )
    }
}
