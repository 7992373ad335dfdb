//! The table of causes: what each looks like, and which frames show it. Name and next step are those of [`Finding`].

use crate::failure::Finding;

/// What a cause looks like from outside, and what its evidence is.
pub fn symptom_and_evidence(finding: Finding) -> (&'static str, &'static str) {
    match finding {
        Finding::None => ("", ""),
        Finding::NeverAnswered => ("no answer at all", "requests that were repeated, an ATT error"),
        Finding::LargeFramesLost => (
            "lists and echoes pass, the upload does not begin or goes on",
            "the longest frame answered, the shortest silent one",
        ),
        Finding::FirstFrameOnly => (
            "the first chunk is answered, nothing after it is taken",
            "the silent chunks, the repeated offset",
        ),
        Finding::ResponsesReplayed => {
            ("the same answer comes again and again", "answers to a sequence number that was answered before")
        }
        Finding::DeviceRestarted => {
            ("the device asks for offset 0 in the middle", "the answer with \"off\": 0")
        }
        Finding::ServerStuck => {
            ("answers stop, for short requests too", "the unanswered requests of other commands")
        }
        Finding::OffsetRepeats => (
            "the device asks for the chunk that it just got",
            "answers to chunks at the very offset that they ask for",
        ),
        Finding::BuffersExhausted => ("rc 2", "the answers with the error"),
        Finding::NoReassembly => ("rc 9 for frames in several writes", "the answers with the error"),
        Finding::LinkDrops => ("the link goes down and stays down", "the disconnect"),
        Finding::LateFirstFrame => ("a finished upload is gone", "the first chunk behind the last one"),
        Finding::BootloaderRefused => {
            ("after the reset the old version runs", "the image lists before and after the reset")
        }
        Finding::NoConfirmation => ("the new version ran, then the old one again", "the image lists"),
        Finding::OldServer => ("rc 8", "the answer with the error"),
        Finding::ForeignResponses => {
            ("answers that nobody asked for", "answers with sequence numbers of no request")
        }
        Finding::SwapNotPerformed => {
            ("the mark stays through every reset", "the image lists before and after the resets")
        }
        Finding::AnswersCut => {
            ("answers stop, or the first long one never comes", "answers that end before their header says")
        }
        Finding::LongAnswersLost => {
            ("echoes pass and lists do not", "the longest answer, the unanswered list")
        }
        Finding::EmptyAnswers => ("answers of 8 bytes", "the answers without a body"),
        Finding::OffsetGarbled => ("answers stop making sense from one offset on", "the last good answer"),
        Finding::PairingNeeded => ("the link comes up and nothing is answered", "the unanswered requests"),
        Finding::BondsLost => {
            ("nothing is answered after the reset, though the link comes up", "the unanswered requests")
        }
        Finding::NothingListed => ("image lists are empty", "the image lists before and after the upload"),
        Finding::HashChanged => {
            ("the new version runs, and nobody knows its hash", "the mark and the image list after the reset")
        }
        Finding::NothingWrong => ("the trace shows no failure", "none"),
        Finding::NoSmp => ("no frame in the file", "the first line"),
        Finding::Encrypted => ("packets without readable content", "none can be given"),
        Finding::TraceIncomplete => ("frames end where lines end", "the frames that are cut, and the column"),
        Finding::NotWaited => ("several chunks without an answer between them", "the chunks sent ahead"),
        Finding::FrameTooLong => {
            ("silence as soon as the frames grow", "the longest frame answered, the shortest silent one")
        }
        Finding::HeaderLengthWrong => ("rc 9, or silence", "the frames whose header and body differ"),
        Finding::BinaryAsText => {
            ("silence or rc 3", "frames with c2, c3 or ef bf bd in them, or with text for a body")
        }
        Finding::WrongCommand => ("rc 8", "the requests to the wrong place"),
        Finding::FieldType => ("rc 3", "the requests with the field"),
        Finding::LengthMissing => ("rc 3 for the first chunk", "the first chunk"),
        Finding::SequenceConstant => ("answers cannot be told apart", "all requests"),
        Finding::NeverMarked => {
            ("the upload succeeds, the old version stays", "the end of the upload, the reset")
        }
        Finding::NeverReset => ("the image stays pending", "the mark"),
        Finding::ResetMidway => ("the upload starts anew after each reset", "the reset"),
        Finding::NotAnImage => {
            ("rc 3 for the first chunk, or an image that is never listed", "the first chunk")
        }
        Finding::FileDigestAsHash => ("rc 3 for the mark", "the mark and the first chunk"),
        Finding::ImageNumberWrong => ("rc 5 for the first chunk", "the first chunk and its answer"),
        Finding::OffsetIgnored => {
            ("the same offset is asked for for ever", "answers and the chunks after them")
        }
        Finding::DeviceRefused => ("an error of the device", "the answers with the error"),
        Finding::ChunkLost => ("the offset stands still although answers come", "the answers that ask again"),
        Finding::LinkSettingsLost => {
            ("silence after a reconnect", "the disconnect and the requests after it")
        }
        Finding::WritesCut => ("rc 9 or silence for long frames", "the frames that are cut"),
        Finding::NoReturn => ("silence after the reset", "the requests after the reset"),
    }
}
