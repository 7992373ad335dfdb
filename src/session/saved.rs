//! Saving a session and restoring it in another process.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Session;
use super::counts::{self, Tally};
use super::inbound::Inbound;
use super::operation::Operation;
use crate::conversation::{Conversation, SessionOptions};
use crate::failure::Failure;
use crate::firmware::Firmware;
use crate::snapshot::{self, WITH_MESSAGE, Writer, damaged};
use crate::status::Status;
use crate::update::Update;

/// What operation a snapshot holds.
const NO_OPERATION: u8 = 0;
const UPDATE: u8 = 1;

impl Session {
    /// The session as bytes: at most [`snapshot::MAX_LEN_WITHOUT_MESSAGE`], and those of a half-received message.
    ///
    /// Allowed at any time between two calls. What was handed out by [`Session::next_frame`] counts as sent. A single
    /// command is not kept: the restored session is without an operation then, and the command can be started again.
    /// The image is not in the snapshot, only its digest.
    ///
    /// [`Status::Unavailable`] for a package of too many images.
    pub fn snapshot(&self) -> Result<Vec<u8>, Failure> {
        let mut writer = Writer::new();
        let update = match &self.operation {
            Operation::Update(update) => Some(update),
            _ => None,
        };
        writer.u8(if update.is_some() { UPDATE } else { NO_OPERATION });
        self.talk.save(&mut writer);
        if let Some(update) = update {
            writer.bytes(&fingerprint(update.firmware()));
            update.save(self.now, &mut writer);
        }
        writer.finish(&self.inbound.save()).ok_or_else(|| {
            Failure::new(Status::Unavailable, "the package holds too many images to be saved.")
        })
    }

    /// [`Session::snapshot`] into `out`. Returns how many bytes it takes.
    ///
    /// [`Status::BufferTooSmall`] when `out` is shorter than the snapshot; its sentence names the needed length.
    pub fn save(&self, out: &mut [u8]) -> Result<usize, Failure> {
        let snapshot = self.snapshot()?;
        match out.get_mut(..snapshot.len()) {
            Some(target) => {
                target.copy_from_slice(&snapshot);
                Ok(snapshot.len())
            }
            None => Err(Failure::new(
                Status::BufferTooSmall,
                format!("the snapshot takes {} bytes and the buffer holds {}.", snapshot.len(), out.len()),
            )),
        }
    }

    /// Opens a session from a snapshot.
    ///
    /// `firmware` is the file of the update that was saved; it may be left out when the snapshot holds none.
    /// `options` replace the saved ones, if given.
    ///
    /// Feed the answer first, if one came for what the earlier process sent: the session then goes on from it.
    /// Otherwise its first frame asks the device where it stands, and nothing is written before the answer.
    ///
    /// Fails with [`Status::SnapshotDamaged`], [`Status::SnapshotVersion`] or, for another file than the saved
    /// one, [`Status::SnapshotImage`].
    pub fn restore(
        bytes: &[u8],
        firmware: Option<Arc<Firmware>>,
        options: Option<SessionOptions>,
    ) -> Result<Session, Failure> {
        if let Some(options) = &options {
            options.check()?;
        }
        let mut reader = snapshot::open(bytes)?;
        let kind = reader.u8()?;
        let talk = Conversation::load(&mut reader, options)?;
        let operation = match kind {
            NO_OPERATION => Operation::None,
            UPDATE => {
                let expected: [u8; 32] = reader.array()?;
                let firmware = firmware.filter(|firmware| fingerprint(firmware) == expected);
                let Some(firmware) = firmware else {
                    return Err(Failure::new(
                        Status::SnapshotImage,
                        "the snapshot belongs to an update with another image file; give the file that the update was \
                         started with.",
                    ));
                };
                Operation::Update(Box::new(Update::load(&mut reader, firmware, &talk)?))
            }
            _ => return Err(damaged("its operation is unknown")),
        };
        let before = counts::kept(talk.counters);
        let mut inbound = Inbound::new(talk.options.framing);
        if reader.version() >= WITH_MESSAGE {
            let length = reader.u32()?;
            if !inbound.load(reader.bytes(length as usize)?) {
                return Err(damaged("its half-received message is none"));
            }
        }
        reader.end()?;
        Ok(Session {
            inbound,
            talk,
            operation,
            outbound: None,
            now: 0,
            first: super::clock::UNTOLD,
            waits: 0,
            overlong: 0,
            started: false,
            paused: false,
            paused_at: 0,
            told_finding: false,
            tally: Tally::new(),
            before,
        })
    }
}

/// What identifies a file: the digest of the digests of its images.
fn fingerprint(firmware: &Firmware) -> [u8; 32] {
    let mut digest = Sha256::new();
    for image in &firmware.images {
        digest.update(image.sha256);
    }
    digest.finalize().into()
}
