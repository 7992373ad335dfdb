//! How an operation fails: a status for the program, a finding for the engineer, a sentence for the reader.

use crate::smp::DeviceError;
use crate::status::Status;

/// Declares [`Finding`] once: number, name and the advice that goes with it.
macro_rules! findings {
    ($($variant:ident = $number:literal, $name:literal, $advice:literal;)*) => {
        /// What the library saw that points to the cause of a failure. The numbers never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(u32)]
        #[non_exhaustive]
        pub enum Finding {
            $(#[doc = $advice] $variant = $number,)*
            /// Nothing beyond the status itself.
            #[default]
            None = 0,
        }

        impl Finding {
            /// Every finding there is.
            pub const ALL: &'static [Finding] = &[Finding::None, $(Finding::$variant),*];

            /// The name in capitals, as C and C# spell it without their prefix.
            pub const fn name(self) -> &'static str {
                match self { Finding::None => "NONE", $(Finding::$variant => $name,)* }
            }

            /// Likely cause and next step in one sentence; empty for [`Finding::None`].
            pub const fn advice(self) -> &'static str {
                match self { Finding::None => "", $(Finding::$variant => $advice,)* }
            }
        }
    };
}

findings! {
    NeverAnswered = 1, "NEVER_ANSWERED", "Not one frame was answered: check that notifications are enabled, that the link is encrypted if the device asks for it, and that SMP is in this firmware.";
    LargeFramesLost = 2, "LARGE_FRAMES_LOST", "Small frames pass and large ones vanish: a gateway or the ATT MTU cuts the writes; lower max_write, or max_frame if the device does not reassemble.";
    FirstFrameOnly = 3, "FIRST_FRAME_ONLY", "The first chunk was answered and nothing after it: the carrier loses, holds back or cuts the following writes.";
    ResponsesReplayed = 4, "RESPONSES_REPLAYED", "Old responses came again under old sequence numbers: the gateway repeats or caches notifications.";
    DeviceRestarted = 5, "DEVICE_RESTARTED", "The device lost its upload state midway: it rebooted or another client started an upload.";
    ServerStuck = 6, "SERVER_STUCK", "The device answered before and now not even an echo: drop the link and connect again, or reset the device.";
    OffsetRepeats = 7, "OFFSET_REPEATS", "The device takes the frame and asks for the same offset again: its flash write fails or the chunk is changed on the way.";
    BuffersExhausted = 8, "BUFFERS_EXHAUSTED", "The device reports that it has no buffer: use a smaller window.";
    NoReassembly = 9, "NO_REASSEMBLY", "The device does not put GATT writes together: keep max_frame at max_write.";
    LinkDrops = 10, "LINK_DROPS", "The device link went down and did not come up again in time.";
    LateFirstFrame = 11, "LATE_FIRST_FRAME", "A delayed copy of the first frame started the upload anew after its end: let queued messages expire on the carrier.";
    BootloaderRefused = 12, "BOOTLOADER_REFUSED", "The bootloader did not start the new image: signature or key, version rule, hash or slot layout do not fit.";
    NoConfirmation = 13, "NO_CONFIRMATION", "The new image ran, was not confirmed and the bootloader went back: confirm it in time, or find out why it reset.";
    OldServer = 14, "OLD_SERVER", "The server lacks this command or speaks an older protocol: give the missing figure as an option.";
    ForeignResponses = 15, "FOREIGN_RESPONSES", "Responses to requests of somebody else arrived: only one client may talk to a device at a time.";
    SwapNotPerformed = 16, "SWAP_NOT_PERFORMED", "The mark is there and resets do not make the bootloader act on it: an image too large for the slot less its trailer and move sector, a bootloader built for other partitions, or no driver for the flash that holds the other slot. Neither another reset nor another update clears the mark: erase the slot (the server needs CONFIG_MCUMGR_GRP_IMG_ALLOW_ERASE_PENDING), or use serial recovery or a debugger.";
    AnswersCut = 17, "ANSWERS_CUT", "Whoever receives the notifications gets only their beginning: after a reconnect the ATT MTU is 23 again until it is exchanged, or a gateway has a buffer of that size. Exchange the MTU after every connect.";
    LongAnswersLost = 18, "LONG_ANSWERS_LOST", "Short answers arrive and long ones do not: raise the ATT MTU, look for the gateway's limit for notifications, or build the server with CONFIG_MCUMGR_GRP_IMG_FRUGAL_LIST.";
    EmptyAnswers = 19, "EMPTY_ANSWERS", "The device answers with a header and nothing behind it: its server has no room to write the answer (buffer size, heap or stack of the firmware).";
    OffsetGarbled = 20, "OFFSET_GARBLED", "From there on the server writes the offset wrongly, as one does that counts in 16 bits: upload through the application, or with a server that is built anew.";
    PairingNeeded = 21, "PAIRING_NEEDED", "The link comes up and what is written is ignored: the SMP characteristic asks for an encrypted or authenticated link, so pair first; or notifications are not enabled.";
    BondsLost = 22, "BONDS_LOST", "The device answered before it started the new image, and now its link comes up and what is written is ignored: the new image asks for pairing or has lost its bonds. Remove the bond and pair again; an unconfirmed image goes back at the next reset.";
    NothingListed = 23, "NOTHING_LISTED", "No image is listed before the upload nor after it, not even one that runs: the server does not read what the bootloader starts (other slots, another hash, or no valid image in serial recovery). Build it with the bootloader's own configuration.";
    HashChanged = 24, "HASH_CHANGED", "What runs has the version that was sent and another hash: the device makes it from what is sent, or another build was sent by somebody else. Name the hash or version that shall run, or let one client alone update the device.";
    // From 64 on: what a whole trace shows, mistakes of a client for the most part.
    NothingWrong = 64, "NOTHING_WRONG", "Nothing in this trace explains a failure: what was lost or repeated was made good; look at what came before or after it.";
    NoSmp = 65, "NO_SMP", "There is no SMP frame in this: record what is written to the SMP characteristic and what its notifications bring, in hexadecimal, one frame a line.";
    Encrypted = 66, "ENCRYPTED", "The packets are encrypted and cannot be read: record in the host above the encryption (btsnoop, btmon, the gateway's log), or give the sniffer the key.";
    TraceIncomplete = 67, "TRACE_INCOMPLETE", "The trace itself lacks bytes, not the link: write whole lines and begin the recording before the first frame.";
    NotWaited = 68, "NOT_WAITED", "Requests go out while earlier ones are unanswered: wait for each answer, or keep at most buf_count - 1 in flight, and go on from the offset in the answer.";
    FrameTooLong = 69, "FRAME_TOO_LONG", "Frames are longer than those that pass: measure each encoded frame, since the offset takes more bytes as it grows, and shorten the data until it fits.";
    HeaderLengthWrong = 70, "HEADER_LENGTH_WRONG", "The length in the header is not that of the body: set it anew for every frame, big-endian, without the 8 bytes of the header.";
    BinaryAsText = 71, "BINARY_AS_TEXT", "The frames pass through text and lose their bytes: keep them binary on the whole way, or carry them in base64 and decode it at the other end.";
    WrongCommand = 72, "WRONG_COMMAND", "The requests go to another group or command, or with another operation: images are group 1, an upload is a write of command 1.";
    FieldType = 73, "FIELD_TYPE", "A field has another type than the server reads: \"data\", \"sha\" and \"hash\" are byte strings, \"off\" and \"len\" unsigned integers.";
    LengthMissing = 74, "LENGTH_MISSING", "The first chunk lacks \"len\": give the length of the whole file in the chunk at offset 0.";
    SequenceConstant = 75, "SEQUENCE_CONSTANT", "All requests carry the same sequence number: count it up, else an old answer cannot be told from a new one.";
    NeverMarked = 76, "NEVER_MARKED", "The upload is complete and no image was marked: write the image state with the hash of the image list, then reset.";
    NeverReset = 77, "NEVER_RESET", "The image is marked and the device was not reset: send the reset, the bootloader swaps only then.";
    ResetMidway = 78, "RESET_MIDWAY", "The device was reset in the middle of the upload: reset only after the image is listed and marked.";
    NotAnImage = 79, "NOT_AN_IMAGE", "What is uploaded is no signed MCUboot image: send the .bin files out of a package, each as the image its manifest says, never the package, a .hex or an unsigned file.";
    FileDigestAsHash = 80, "FILE_DIGEST_AS_HASH", "The SHA-256 of the file is used as the hash of the image: take the hash from the image list or from the image's TLV area.";
    ImageNumberWrong = 81, "IMAGE_NUMBER_WRONG", "\"image\" counts images, not slots, and the device has no such image: leave it out or send 0 for the application.";
    OffsetIgnored = 82, "OFFSET_IGNORED", "The client does not go on where the device asks it to: take the next offset from each answer, whatever it is.";
    DeviceRefused = 83, "DEVICE_REFUSED", "The device answered with an error: what it means stands beside the answer.";
    ChunkLost = 84, "CHUNK_LOST", "Chunks do not reach the server: send the chunk at the offset that the device asks for again, under a new sequence number.";
    LinkSettingsLost = 85, "LINK_SETTINGS_LOST", "After a reconnect the ATT MTU is small again or notifications are off: exchange the MTU and subscribe after every connect, before the next frame.";
    WritesCut = 86, "WRITES_CUT", "Requests arrive shorter than their header says: something on the way cuts the writes; lower max_write to what passes.";
    NoReturn = 87, "NO_RETURN", "The device was asked after its reset and did not answer: wait for the swap, connect again, exchange the MTU and subscribe; if it stays silent, neither image starts SMP.";
}

impl Finding {
    /// The frozen number.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The finding with this number, if there is one.
    pub fn from_number(number: u32) -> Option<Finding> {
        Finding::ALL.iter().copied().find(|finding| finding.number() == number)
    }
}

/// Why a call or an operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    /// The number for the caller's program.
    pub status: Status,
    /// What points to the cause.
    pub finding: Finding,
    /// The device's own error, where it answered one.
    pub device: Option<DeviceError>,
    /// The device's own words beside that error (`rsn`): at most [`reason::MOST`](crate::smp::reason::MOST) printable ASCII
    /// characters. They come from outside and are to be shown, not trusted.
    pub reason: Option<Box<str>>,
    /// What is wrong and what to do, for a human reader; at most a few hundred bytes.
    pub sentence: String,
}

impl Failure {
    /// A failure with a sentence of its own.
    // Cold: so what leads to a failure is made small and stands apart from what runs all the time.
    #[cold]
    pub fn new(status: Status, sentence: impl Into<String>) -> Failure {
        Failure { status, finding: Finding::None, device: None, reason: None, sentence: sentence.into() }
    }

    /// Adds the finding, and its advice to the sentence.
    #[cold]
    #[must_use]
    pub fn with_finding(mut self, finding: Finding) -> Failure {
        self.finding = finding;
        if !finding.advice().is_empty() {
            self.sentence.push(' ');
            self.sentence.push_str(finding.advice());
        }
        self
    }

    /// Gives it another finding, with the advice of that instead.
    #[cold]
    #[must_use]
    pub fn because_of(mut self, finding: Finding) -> Failure {
        let before = self.finding.advice();
        if !before.is_empty() && self.sentence.ends_with(before) {
            self.sentence.truncate(self.sentence.len() - before.len() - 1);
        }
        self.with_finding(finding)
    }

    /// Takes its finding away, with the advice of that, and says `instead` at the end.
    #[cold]
    #[must_use]
    pub(crate) fn without_finding(mut self, instead: &str) -> Failure {
        let advice = std::mem::take(&mut self.finding).advice();
        if !advice.is_empty()
            && let Some(at) = self.sentence.find(advice)
        {
            self.sentence.replace_range(at..at + advice.len(), "");
            self.sentence = self.sentence.replace("  ", " ").trim_end().to_owned();
        }
        self.sentence.push(' ');
        self.sentence.push_str(instead);
        self
    }

    /// Adds the device's own words, to the sentence too.
    #[cold]
    #[must_use]
    pub fn with_reason(mut self, reason: &str) -> Failure {
        self.sentence.push_str(" The device says: ");
        self.sentence.push_str(reason);
        if !reason.ends_with('.') {
            self.sentence.push('.');
        }
        self.reason = Some(reason.into());
        self
    }

    /// Adds the device's error.
    #[cold]
    #[must_use]
    pub fn with_device(mut self, device: DeviceError) -> Failure {
        self.device = Some(device);
        self
    }
}

impl From<Status> for Failure {
    #[cold]
    fn from(status: Status) -> Failure {
        Failure::new(status, status.text())
    }
}
