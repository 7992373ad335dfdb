//! A request beside the chunks of a file: closing the file, or asking how long it is.
//!
//! Zephyr counts a first chunk that comes twice twice: it empties the file and adds the chunk to the offset of the open
//! transfer (`fs_mgmt.c`, `fs_mgmt_file_upload`), and the rest would leave a hole. Closing the file forgets that offset, so the
//! file is closed before a first chunk is sent again. And some errors tell that the offset was wrong without the right one:
//! then the length of the file is it, once the file is closed.

use crate::conversation::Conversation;
use crate::conversation::request::{self, Match, Patience, Request};
use crate::smp::cbor::{self, Writer};
use crate::smp::group::{self, file};
use crate::smp::{DeviceError, Frame, Op};

/// How long a request of the file group may take at least, in milliseconds.
const FLOOR_MS: u32 = 2_000;

#[derive(Debug)]
pub(crate) struct Aside {
    request: Request,
    purpose: Purpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Close the file; a server without the command needs none.
    Close,
    /// Find out where the device stands after this error.
    Locate(Question),
}

/// Where does the device stand?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question {
    /// The error that made the place doubtful.
    pub error: DeviceError,
    /// The server goes on nowhere but at the start.
    pub restart: bool,
    /// The file was closed, so that its length is true.
    pub closed: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing is open; the next chunk may go.
    Closed,
    /// Nothing is open; the length can be asked for.
    ClosedFor(Question),
    /// The length of the file, if the device told it.
    Length(Option<u32>, Question),
}

impl Aside {
    pub fn new(purpose: Purpose, name: &str) -> Aside {
        let (op, command, body) = match purpose {
            Purpose::Locate(Question { closed: true, .. }) => {
                let mut body = vec![0; name.len() + 16];
                let mut writer = Writer::new(&mut body);
                writer.map(1).text("name").text(name);
                let length = writer.finish().unwrap_or(0);
                body.truncate(length);
                (Op::Read, file::STATUS, body)
            }
            _ => (Op::Write, file::CLOSE, vec![0xa0]),
        };
        let patience = Patience { floor_ms: FLOOR_MS, attempts: 4 };
        Aside { request: Request::new(op, group::FILE, command, body, patience), purpose }
    }

    pub fn deadline(&self) -> u64 {
        self.request.deadline()
    }

    /// After the link came up.
    pub fn restart(&mut self) {
        self.request.restart();
    }

    pub fn poll(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> request::Poll {
        self.request.poll(talk, now, out)
    }

    /// What it came to when no answer came.
    pub fn unanswered(&self) -> Found {
        self.found(None)
    }

    /// `None` when the frame is nothing of this request; `Some(None)` when it is, and the request goes on.
    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> Option<Option<Found>> {
        match self.request.receive(talk, now, frame)? {
            Match::Again | Match::Other => Some(None),
            Match::Answer(error) => {
                let mut length = None;
                if error.is_none() {
                    let _ = cbor::entries(frame.body, |key, value| {
                        if key == "len" {
                            length = value.as_u32();
                        }
                    });
                }
                Some(Some(self.found(length)))
            }
        }
    }

    fn found(&self, length: Option<u32>) -> Found {
        match self.purpose {
            Purpose::Close => Found::Closed,
            Purpose::Locate(question) if question.closed => Found::Length(length, question),
            Purpose::Locate(question) => Found::ClosedFor(Question { closed: true, ..question }),
        }
    }
}
