namespace SmpFota;

/// <summary>What points to the cause of a failure, or is the verdict on a trace. The numbers never change.</summary>
/// <remarks>docs/DIAGNOSIS.md has them all, with what each looks like. A newer library may give numbers that are not here.</remarks>
public enum SmpFinding
{
    /// <summary>Nothing beyond the status.</summary>
    None = 0,

    /// <summary>Not one frame was answered: check that notifications are enabled, that the link is encrypted if the device asks for it, and that SMP is in this firmware.</summary>
    NeverAnswered = 1,

    /// <summary>Small frames pass and large ones vanish: a gateway or the ATT MTU cuts the writes; lower max_write, or max_frame if the device does not reassemble.</summary>
    LargeFramesLost = 2,

    /// <summary>The first chunk was answered and nothing after it: the carrier loses, holds back or cuts the following writes.</summary>
    FirstFrameOnly = 3,

    /// <summary>Old responses came again under old sequence numbers: the gateway repeats or caches notifications.</summary>
    ResponsesReplayed = 4,

    /// <summary>The device lost its upload state midway: it rebooted or another client started an upload.</summary>
    DeviceRestarted = 5,

    /// <summary>The device answered before and now not even an echo: drop the link and connect again, or reset the device.</summary>
    ServerStuck = 6,

    /// <summary>The device takes the frame and asks for the same offset again: its flash write fails or the chunk is changed on the way.</summary>
    OffsetRepeats = 7,

    /// <summary>The device reports that it has no buffer: use a smaller window.</summary>
    BuffersExhausted = 8,

    /// <summary>The device does not put GATT writes together: keep max_frame at max_write.</summary>
    NoReassembly = 9,

    /// <summary>The device link went down and did not come up again in time.</summary>
    LinkDrops = 10,

    /// <summary>A delayed copy of the first frame started the upload anew after its end: let queued messages expire on the carrier.</summary>
    LateFirstFrame = 11,

    /// <summary>The bootloader did not start the new image: signature or key, version rule, hash or slot layout do not fit.</summary>
    BootloaderRefused = 12,

    /// <summary>The new image ran, was not confirmed and the bootloader went back: confirm it in time, or find out why it reset.</summary>
    NoConfirmation = 13,

    /// <summary>The server lacks this command or speaks an older protocol: give the missing figure as an option.</summary>
    OldServer = 14,

    /// <summary>Responses to requests of somebody else arrived: only one client may talk to a device at a time.</summary>
    ForeignResponses = 15,

    /// <summary>The mark is there and resets do not make the bootloader act on it: an image too large for the slot less its trailer and move sector, a bootloader built for other partitions, or no driver for the flash that holds the other slot. Neither another reset nor another update clears the mark: erase the slot (the server needs CONFIG_MCUMGR_GRP_IMG_ALLOW_ERASE_PENDING), or use serial recovery or a debugger.</summary>
    SwapNotPerformed = 16,

    /// <summary>Whoever receives the notifications gets only their beginning: after a reconnect the ATT MTU is 23 again until it is exchanged, or a gateway has a buffer of that size. Exchange the MTU after every connect.</summary>
    AnswersCut = 17,

    /// <summary>Short answers arrive and long ones do not: raise the ATT MTU, look for the gateway's limit for notifications, or build the server with CONFIG_MCUMGR_GRP_IMG_FRUGAL_LIST.</summary>
    LongAnswersLost = 18,

    /// <summary>The device answers with a header and nothing behind it: its server has no room to write the answer (buffer size, heap or stack of the firmware).</summary>
    EmptyAnswers = 19,

    /// <summary>From there on the server writes the offset wrongly, as one does that counts in 16 bits: upload through the application, or with a server that is built anew.</summary>
    OffsetGarbled = 20,

    /// <summary>The link comes up and what is written is ignored: the SMP characteristic asks for an encrypted or authenticated link, so pair first; or notifications are not enabled.</summary>
    PairingNeeded = 21,

    /// <summary>The device answered before it started the new image, and now its link comes up and what is written is ignored: the new image asks for pairing or has lost its bonds. Remove the bond and pair again; an unconfirmed image goes back at the next reset.</summary>
    BondsLost = 22,

    /// <summary>No image is listed before the upload nor after it, not even one that runs: the server does not read what the bootloader starts (other slots, another hash, or no valid image in serial recovery). Build it with the bootloader's own configuration.</summary>
    NothingListed = 23,

    /// <summary>What runs has the version that was sent and another hash: the device makes it from what is sent, or another build was sent by somebody else. Name the hash or version that shall run, or let one client alone update the device.</summary>
    HashChanged = 24,

    /// <summary>Nothing in this trace explains a failure: what was lost or repeated was made good; look at what came before or after it.</summary>
    NothingWrong = 64,

    /// <summary>There is no SMP frame in this: record what is written to the SMP characteristic and what its notifications bring, in hexadecimal, one frame a line.</summary>
    NoSmp = 65,

    /// <summary>The packets are encrypted and cannot be read: record in the host above the encryption (btsnoop, btmon, the gateway's log), or give the sniffer the key.</summary>
    Encrypted = 66,

    /// <summary>The trace itself lacks bytes, not the link: write whole lines and begin the recording before the first frame.</summary>
    TraceIncomplete = 67,

    /// <summary>Requests go out while earlier ones are unanswered: wait for each answer, or keep at most buf_count - 1 in flight, and go on from the offset in the answer.</summary>
    NotWaited = 68,

    /// <summary>Frames are longer than those that pass: measure each encoded frame, since the offset takes more bytes as it grows, and shorten the data until it fits.</summary>
    FrameTooLong = 69,

    /// <summary>The length in the header is not that of the body: set it anew for every frame, big-endian, without the 8 bytes of the header.</summary>
    HeaderLengthWrong = 70,

    /// <summary>The frames pass through text and lose their bytes: keep them binary on the whole way, or carry them in base64 and decode it at the other end.</summary>
    BinaryAsText = 71,

    /// <summary>The requests go to another group or command, or with another operation: images are group 1, an upload is a write of command 1.</summary>
    WrongCommand = 72,

    /// <summary>A field has another type than the server reads: "data", "sha" and "hash" are byte strings, "off" and "len" unsigned integers.</summary>
    FieldType = 73,

    /// <summary>The first chunk lacks "len": give the length of the whole file in the chunk at offset 0.</summary>
    LengthMissing = 74,

    /// <summary>All requests carry the same sequence number: count it up, else an old answer cannot be told from a new one.</summary>
    SequenceConstant = 75,

    /// <summary>The upload is complete and no image was marked: write the image state with the hash of the image list, then reset.</summary>
    NeverMarked = 76,

    /// <summary>The image is marked and the device was not reset: send the reset, the bootloader swaps only then.</summary>
    NeverReset = 77,

    /// <summary>The device was reset in the middle of the upload: reset only after the image is listed and marked.</summary>
    ResetMidway = 78,

    /// <summary>What is uploaded is no signed MCUboot image: send the .bin files out of a package, each as the image its manifest says, never the package, a .hex or an unsigned file.</summary>
    NotAnImage = 79,

    /// <summary>The SHA-256 of the file is used as the hash of the image: take the hash from the image list or from the image's TLV area.</summary>
    FileDigestAsHash = 80,

    /// <summary>"image" counts images, not slots, and the device has no such image: leave it out or send 0 for the application.</summary>
    ImageNumberWrong = 81,

    /// <summary>The client does not go on where the device asks it to: take the next offset from each answer, whatever it is.</summary>
    OffsetIgnored = 82,

    /// <summary>The device answered with an error: what it means stands beside the answer.</summary>
    DeviceRefused = 83,

    /// <summary>Chunks do not reach the server: send the chunk at the offset that the device asks for again, under a new sequence number.</summary>
    ChunkLost = 84,

    /// <summary>After a reconnect the ATT MTU is small again or notifications are off: exchange the MTU and subscribe after every connect, before the next frame.</summary>
    LinkSettingsLost = 85,

    /// <summary>Requests arrive shorter than their header says: something on the way cuts the writes; lower max_write to what passes.</summary>
    WritesCut = 86,

    /// <summary>The device was asked after its reset and did not answer: wait for the swap, connect again, exchange the MTU and subscribe; if it stays silent, neither image starts SMP.</summary>
    NoReturn = 87,
}
