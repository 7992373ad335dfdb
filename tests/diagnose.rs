//! The explanation of frames: what others got wrong in the field is recognised, what is right is left alone.

use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use smpfota::diagnose::{MAX_OUTPUT, explain};
use smpfota::smp::console;

const READ: u8 = 0;
const READ_RESPONSE: u8 = 1;
const WRITE: u8 = 2;
const WRITE_RESPONSE: u8 = 3;

// CBOR, written by hand so that wrong bodies are as easy as right ones.

fn head(major: u8, n: usize) -> Vec<u8> {
    match n {
        0..=23 => vec![major << 5 | n as u8],
        24..=0xff => vec![major << 5 | 24, n as u8],
        0x100..=0xffff => [&[major << 5 | 25][..], &(n as u16).to_be_bytes()].concat(),
        _ => [&[major << 5 | 26][..], &(n as u32).to_be_bytes()].concat(),
    }
}

fn number(n: usize) -> Vec<u8> {
    head(0, n)
}

fn bytes(content: &[u8]) -> Vec<u8> {
    [head(2, content.len()), content.to_vec()].concat()
}

fn text(content: &str) -> Vec<u8> {
    [head(3, content.len()), content.as_bytes().to_vec()].concat()
}

fn truth(value: bool) -> Vec<u8> {
    vec![if value { 0xf5 } else { 0xf4 }]
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len()), items.concat()].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let content: Vec<u8> =
        entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [head(5, entries.len()), content].concat()
}

fn frame(op: u8, group: u16, command: u8, sequence: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![op, 0];
    frame.extend((body.len() as u16).to_be_bytes());
    frame.extend(group.to_be_bytes());
    frame.extend([sequence, command]);
    frame.extend(body);
    frame
}

fn upload(sequence: u8, entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    frame(WRITE, 1, 1, sequence, &map(entries))
}

/// The start of an image whose header says 0x200 + 1000 bytes.
fn image(length: usize) -> Vec<u8> {
    let mut image = vec![0x3d, 0xb8, 0xf3, 0x96, 0, 0, 0, 0, 0, 2, 0, 0, 0xe8, 3, 0, 0];
    // No byte of it is printable.
    image.resize(length, 0x81);
    image
}

fn digest() -> Vec<u8> {
    bytes(&[0x5a; 32])
}

/// A right first chunk.
fn first(sequence: u8) -> Vec<u8> {
    upload(
        sequence,
        &[("len", number(70_000)), ("off", number(0)), ("sha", digest()), ("data", bytes(&image(160)))],
    )
}

fn chunk(sequence: u8, off: usize, length: usize) -> Vec<u8> {
    upload(sequence, &[("off", number(off)), ("data", bytes(&vec![0x81; length]))])
}

fn answer(sequence: u8, off: usize) -> Vec<u8> {
    frame(WRITE_RESPONSE, 1, 1, sequence, &[&b"\xbf\x62rc\x00\x63off"[..], &number(off), &[0xff]].concat())
}

fn state(sequence: u8, entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    frame(WRITE, 1, 0, sequence, &map(entries))
}

fn refused(command: u8, rc: usize) -> Vec<u8> {
    frame(WRITE_RESPONSE, 1, command, 1, &map(&[("rc", number(rc))]))
}

fn lines(frame: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    console::encode(frame, &mut out);
    out
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Latin-1 to UTF-8, as a string type does to bytes.
fn through_latin1(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes()
}

fn findings(bytes: &[u8]) -> Vec<(String, String)> {
    let explained = explain(bytes);
    let field = |finding: &Value, key: &str| finding[key].as_str().expect("text").to_owned();
    let list = explained["findings"].as_array().expect("a list");
    list.iter().map(|finding| (field(finding, "severity"), field(finding, "code"))).collect()
}

fn codes(bytes: &[u8]) -> Vec<String> {
    findings(bytes).into_iter().map(|(_, code)| code).collect()
}

/// The mistakes of the field that show in frames: where they are from, the bytes, the finding that names them.
fn mistakes() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let long = |length: usize| chunk(1, 382, length);
    let with_sha = |sha: Vec<u8>| {
        upload(0, &[("len", number(70_000)), ("off", number(0)), ("sha", sha), ("data", bytes(&image(64)))])
    };
    let with_data = |data: Vec<u8>| {
        upload(0, &[("len", number(70_000)), ("off", number(0)), ("sha", digest()), ("data", data)])
    };
    let mut stale_length = first(0);
    stale_length[2..4].copy_from_slice(&100u16.to_be_bytes());
    let mut too_long = answer(1, 160);
    too_long[3] += 4;
    let mut swapped = chunk(1, 160, 222);
    swapped[2..4].reverse();
    let mut bad_crc = lines(&first(0));
    let end = bad_crc.len() - 6;
    bad_crc[end] = if bad_crc[end] == b'A' { b'B' } else { b'A' };
    let second_line = lines(&first(0)).iter().position(|byte| *byte == b'\n').expect("lines") + 1;
    let good_hash = || bytes(&[0x11; 32]);

    vec![
        // The thread that this project began with.
        ("seed: 222 kept while off grows", long(222), "frame_over_244"),
        ("seed: 222 kept beyond 65535", chunk(9, 65_760, 222), "frame_over_244"),
        (
            "seed: the first answer comes again",
            [first(0), answer(0, 160), chunk(1, 160, 222), answer(0, 160)].concat(),
            "response_repeated",
        ),
        (
            "seed: the answer asks for what was sent",
            [chunk(1, 160, 222), answer(1, 160)].concat(),
            "chunk_not_taken",
        ),
        (
            "seed: the client does not go back",
            [chunk(1, 160, 222), answer(1, 160), chunk(2, 382, 221)].concat(),
            "answer_ignored",
        ),
        ("seed: the same header for every frame", stale_length, "length_too_small"),
        ("seed: a length beyond the body", too_long, "length_too_large"),
        (
            "seed: image 1 for the second slot",
            upload(0, &[("image", number(1)), ("off", number(5)), ("data", bytes(&[0x81]))]),
            "image_not_0",
        ),
        ("seed: sha in hexadecimal", with_sha(text(&hex(&[7; 32]))), "sha_is_text"),
        ("seed: sha in base64", with_sha(text(&base64(&[7; 32]))), "sha_is_text"),
        (
            "seed: nothing waits for the answer",
            [chunk(1, 160, 9), chunk(2, 169, 9), chunk(3, 178, 9), chunk(4, 187, 9), answer(1, 169)].concat(),
            "window_too_large",
        ),
        ("seed: binary as Latin-1", through_latin1(&chunk(1, 0x160, 100)), "utf8_encoded"),
        (
            "seed: binary as UTF-8",
            String::from_utf8_lossy(&chunk(1, 160, 60)).into_owned().into_bytes(),
            "utf8_replaced",
        ),
        ("seed: the frame in base64", base64(&first(0)).into_bytes(), "text_not_bytes"),
        ("seed: the frame in hexadecimal", hex(&first(0)).into_bytes(), "text_not_bytes"),
        (
            "seed: the sequence number stays",
            [chunk(0, 160, 9), chunk(0, 169, 9)].concat(),
            "sequence_not_advancing",
        ),
        // Field notes, section 2, by number.
        ("1: 10 bytes are no good answer", frame(WRITE_RESPONSE, 1, 1, 0, &[0xbf, 0xff]), "off_missing"),
        ("1: 14 bytes are an error", refused(1, 3), "device_error"),
        (
            "1, 5: the hash of the file marks no image",
            [first(0), state(1, &[("hash", digest()), ("confirm", truth(false))])].concat(),
            "hash_is_file_digest",
        ),
        (
            "2: the next chunk before the first answer",
            [first(0), chunk(1, 160, 9), answer(0, 160)].concat(),
            "first_chunk_not_alone",
        ),
        ("2: data in base64 text", with_data(text(&base64(&image(64)))), "data_is_text"),
        (
            "2: base64 inside the byte string",
            with_data(bytes(base64(&image(66)).as_bytes())),
            "data_is_encoded",
        ),
        ("2: data as a list of numbers", with_data(list(&[number(0x3d), number(0xb8)])), "data_is_array"),
        (
            "2, 11: reset without a mark",
            [chunk(1, 160, 9), frame(WRITE, 0, 5, 2, &[0xa0])].concat(),
            "reset_without_mark",
        ),
        (
            "3: upload to the log group",
            frame(WRITE, 4, 1, 0, &map(&[("off", number(0)), ("data", bytes(&image(40)))])),
            "upload_elsewhere",
        ),
        ("3: any command of the log group", frame(READ, 4, 0, 0, &[0xa0]), "group_not_in_zephyr"),
        ("3: a chunk of 400", long(400), "frame_over_244"),
        ("3: not supported", refused(1, 8), "device_error"),
        ("4, 17: no len", upload(0, &[("off", number(0)), ("data", bytes(&image(64)))]), "len_missing"),
        (
            "4: fields in an inner map",
            upload(0, &[("req", map(&[("off", number(0)), ("data", bytes(&image(64)))]))]),
            "fields_nested",
        ),
        ("4: fields in a list", upload(0, &[("req", list(&[map(&[("off", number(0))])]))]), "fields_nested"),
        ("4: JSON instead of CBOR", frame(WRITE, 1, 1, 0, br#"{"off":0,"data":"AAAA"}"#), "body_is_text"),
        (
            "5: the TLV hash as sha of the file",
            upload(
                0,
                &[
                    ("len", number(2000)),
                    ("off", number(0)),
                    ("sha", digest()),
                    ("data", bytes(&image(2000))),
                ],
            ),
            "sha_not_of_file",
        ),
        (
            "6, 28: no sha",
            upload(0, &[("len", number(70_000)), ("off", number(0)), ("data", bytes(&image(64)))]),
            "sha_missing",
        ),
        ("7: no image of imgtool", with_data(bytes(&[0x81; 64])), "not_an_mcuboot_image"),
        (
            "8: base64 of the bare frame",
            format!("\u{6}\u{9}{}\n", base64(&answer(1, 160))).into_bytes(),
            "console_without_length",
        ),
        ("8: a wrong checksum", bad_crc, "console_bad_crc"),
        ("8: a line is missing", lines(&first(0))[..second_line].to_vec(), "console_unfinished"),
        (
            "9: an nRF5 SDK package",
            with_data(bytes(&[&[0x08, 0x12, 0x03, 0x20][..], &[0x81; 60]].concat())),
            "not_an_mcuboot_image",
        ),
        (
            "9: the zip itself",
            with_data(bytes(&[&b"PK\x03\x04"[..], &[0x81; 60]].concat())),
            "not_an_mcuboot_image",
        ),
        (
            "10: a slot number in image state",
            state(0, &[("slot", number(1)), ("confirm", truth(false))]),
            "field_unknown",
        ),
        ("10: rc 3 at the test", refused(0, 3), "device_error"),
        ("10: mark without a hash", state(0, &[("confirm", truth(false))]), "hash_missing"),
        ("10: hash as text", state(0, &[("hash", text(&hex(&[1; 32])))]), "hash_is_text"),
        ("10: half a hash", state(0, &[("hash", bytes(&[1; 16]))]), "hash_length"),
        ("11: an MTU of 521", long(506), "frame_over_512"),
        ("13: a fixed MTU of 400", long(380), "frame_over_244"),
        ("16: a late answer", [chunk(5, 160, 9), answer(4, 160)].concat(), "response_without_request"),
        (
            "16: a late answer to another command",
            [chunk(5, 160, 9), frame(READ_RESPONSE, 1, 0, 5, &map(&[("images", list(&[]))]))].concat(),
            "response_mismatch",
        ),
        (
            "19: match is false",
            frame(
                WRITE_RESPONSE,
                1,
                1,
                0,
                &map(&[("rc", number(0)), ("off", number(9)), ("match", truth(false))]),
            ),
            "match_false",
        ),
        (
            "21: a slot in the upload",
            upload(0, &[("slot", number(1)), ("off", number(9)), ("data", bytes(&[0x81]))]),
            "field_unknown",
        ),
        (
            "27: the same offset forever",
            [answer(1, 160), answer(2, 160), answer(3, 160)].concat(),
            "offset_repeats",
        ),
        (
            "30: the sequence starts again",
            [chunk(7, 160, 9), chunk(0, 169, 9)].concat(),
            "sequence_restarted",
        ),
        ("32, zephyr#44219: off 0", answer(1, 0), "off_zero"),
        ("35: a sha cut to 8 bytes", with_sha(bytes(&[7; 8])), "sha_not_32_bytes"),
        ("35: a sha of 64 bytes", with_sha(bytes(&[7; 64])), "sha_not_32_bytes"),
        ("39: the carrier sent it twice", [first(0), first(0)].concat(), "request_repeated"),
        ("40: cut to 20 bytes", first(0)[..20].to_vec(), "frame_cut"),
        ("40: cut inside the header", first(0)[..5].to_vec(), "header_cut"),
        // Further mistakes that one frame shows.
        ("offsets with a hole", [chunk(1, 160, 9), chunk(2, 200, 9)].concat(), "offset_gap"),
        ("offsets that stay", [chunk(1, 160, 9), chunk(2, 160, 8)].concat(), "offset_not_advancing"),
        ("offsets that go back", [chunk(1, 160, 9), chunk(2, 100, 8)].concat(), "offset_back"),
        ("no off", upload(1, &[("data", bytes(&[0x81]))]), "off_missing"),
        ("no data", upload(1, &[("off", number(160))]), "data_missing"),
        ("off as text", upload(1, &[("off", text("160")), ("data", bytes(&[0x81]))]), "field_type"),
        (
            "off as a float",
            upload(1, &[("off", vec![0xf9, 0x59, 0x00]), ("data", bytes(&[0x81]))]),
            "field_type",
        ),
        (
            "offset spelt out",
            upload(1, &[("offset", number(160)), ("data", bytes(&[0x81]))]),
            "field_unknown",
        ),
        (
            "data beyond len",
            upload(0, &[("len", number(100)), ("off", number(0)), ("data", bytes(&image(160)))]),
            "data_beyond_len",
        ),
        (
            "len of the chunk",
            upload(0, &[("len", number(160)), ("off", number(0)), ("data", bytes(&image(160)))]),
            "len_below_image",
        ),
        ("a first chunk of 16 bytes", with_data(bytes(&image(16))), "first_chunk_too_short"),
        (
            "sha in every chunk",
            upload(1, &[("off", number(160)), ("sha", digest()), ("data", bytes(&[0x81]))]),
            "first_fields_repeated",
        ),
        ("a chunk without data", chunk(1, 160, 0), "data_empty"),
        ("nothing instead of an empty map", frame(READ, 1, 0, 0, &[]), "body_empty"),
        ("a response of nothing", frame(READ_RESPONSE, 1, 0, 0, &[]), "body_empty"),
        ("version 3", frame(READ | 2 << 3, 1, 0, 0, &[0xa0]), "version_too_new"),
        ("operation 5", frame(5, 1, 0, 0, &[0xa0]), "op_unassigned"),
        ("reserved bits", frame(0x42, 1, 1, 0, &[0xa0]), "reserved_bits"),
        ("flags", [&[2, 1][..], &chunk(1, 160, 9)[2..]].concat(), "flags"),
        ("upload as a read", frame(READ, 1, 1, 0, &[0xa0]), "op_wrong"),
        ("an unknown command", frame(READ, 1, 77, 0, &[0xa0]), "command_unknown"),
        ("an unknown group", frame(READ, 40, 0, 0, &[0xa0]), "group_unknown"),
        ("a little-endian group", frame(READ, 0x0100, 0, 0, &[0xa0]), "group_byte_order"),
        ("a little-endian length", swapped, "length_byte_order"),
        ("bytes behind the frame", [chunk(1, 160, 9), vec![0; 3]].concat(), "bytes_behind_frame"),
        ("bytes behind the map", frame(WRITE, 1, 0, 0, &[0xa0, 0x00]), "bytes_behind_map"),
        ("a list instead of a map", frame(READ, 1, 0, 0, &[0x80]), "body_not_a_map"),
        ("not well-formed", frame(READ, 1, 0, 0, &[0xa1, 0xff]), "body_not_cbor"),
        ("numbers as keys", frame(READ, 1, 0, 0, &[0xa1, 1, 2]), "key_not_text"),
        (
            "a key twice",
            upload(1, &[("off", number(1)), ("off", number(2)), ("data", bytes(&[0x81]))]),
            "key_twice",
        ),
        ("a long number", upload(1, &[("off", vec![0x19, 0, 5]), ("data", bytes(&[0x81]))]), "not_shortest"),
        ("an indefinite map", frame(READ, 1, 0, 0, &[0xbf, 0xff]), "indefinite_length"),
        (
            "a string in pieces",
            upload(1, &[("off", number(9)), ("data", vec![0x5f, 0x41, 0x81, 0xff])]),
            "string_in_pieces",
        ),
        ("force as a number", frame(WRITE, 0, 5, 0, &map(&[("force", number(1))])), "force_not_bool"),
        ("erase slot 0", frame(WRITE, 1, 5, 0, &map(&[("slot", number(0))])), "erase_slot_0"),
        ("an echo of nothing", frame(WRITE, 0, 0, 0, &[0xa0]), "field_missing"),
        (
            "confirm at once",
            state(0, &[("hash", good_hash()), ("confirm", truth(true))]),
            "confirm_with_hash",
        ),
        ("upload behind an erase", [frame(WRITE, 1, 5, 0, &[0xa0]), first(1)].concat(), "upload_after_erase"),
        ("an offset beyond the image", [first(0), answer(0, 70_001)].concat(), "offset_beyond_image"),
        (
            "version 1 answers version 2",
            [[WRITE | 1 << 3].to_vec(), first(0)[1..].to_vec(), answer(0, 160)].concat(),
            "server_of_version_1",
        ),
        (
            "an error of Zephyr 3.4",
            frame(WRITE_RESPONSE, 1, 1, 0, &map(&[("ret", map(&[("group", number(1)), ("rc", number(9))]))])),
            "ret_spelling",
        ),
        (
            "an error of version 2",
            frame(
                WRITE_RESPONSE | 1 << 3,
                1,
                1,
                0,
                &map(&[("err", map(&[("group", number(1)), ("rc", number(9))]))]),
            ),
            "device_error",
        ),
        ("no image", frame(READ_RESPONSE, 1, 0, 0, &map(&[("images", list(&[]))])), "no_images"),
        ("no list", frame(READ_RESPONSE, 1, 0, 0, &[0xbf, 0xff]), "images_missing"),
        (
            "on trial",
            frame(
                READ_RESPONSE,
                1,
                0,
                0,
                &map(&[("images", list(&[map(&[("slot", number(0)), ("active", truth(true))])]))]),
            ),
            "active_not_confirmed",
        ),
        (
            "pending",
            frame(
                READ_RESPONSE,
                1,
                0,
                0,
                &map(&[("images", list(&[map(&[("slot", number(1)), ("pending", truth(true))])]))]),
            ),
            "pending",
        ),
        (
            "none active",
            frame(READ_RESPONSE, 1, 0, 0, &map(&[("images", list(&[map(&[("slot", number(1))])]))])),
            "none_active",
        ),
        (
            "twice the same image",
            frame(
                READ_RESPONSE,
                1,
                0,
                0,
                &map(&[(
                    "images",
                    list(&[
                        map(&[("slot", number(0)), ("hash", digest())]),
                        map(&[("slot", number(1)), ("hash", digest())]),
                    ]),
                )]),
            ),
            "same_image_in_both_slots",
        ),
        (
            "console: log text inside a line",
            [&lines(&answer(1, 160))[..9], b"<inf>\n"].concat(),
            "console_bad_base64",
        ),
        ("console: a wrong length", b"\x06\x09AAEA\n".to_vec(), "console_bad_length"),
        (
            "console: the first line is missing",
            lines(&first(0))[second_line..].to_vec(),
            "console_stray_line",
        ),
        ("nothing", Vec::new(), "nothing"),
    ]
}

#[test]
fn every_mistake_of_the_field_is_recognised() {
    println!("{} mistakes", mistakes().len());
    for (name, bytes, expected) in mistakes() {
        let found = codes(&bytes);
        assert!(found.iter().any(|code| code == expected), "{name}: {expected} is not in {found:?}");
    }
}

#[test]
fn a_right_update_has_no_findings() {
    let sha = |image: &[u8]| bytes(&Sha256::digest(image));
    let whole = [image(0x200 + 1000), vec![0x81; 60]].concat();
    let images = map(&[(
        "images",
        list(&[
            map(&[
                ("slot", number(0)),
                ("version", text("1.0.0")),
                ("hash", bytes(&[1; 32])),
                ("active", truth(true)),
                ("confirmed", truth(true)),
            ]),
            map(&[("slot", number(1)), ("version", text("1.1.0")), ("hash", bytes(&[2; 32]))]),
        ]),
    )]);
    let conversations = [
        ("the list", vec![frame(READ, 1, 0, 9, &[0xa0]), frame(READ_RESPONSE, 1, 0, 9, &images)]),
        (
            "the upload of the field, chunk by chunk",
            vec![
                first(1),
                answer(1, 160),
                chunk(2, 160, 222),
                answer(2, 382),
                chunk(3, 382, 221),
                chunk(4, 603, 221),
                answer(3, 603),
                answer(4, 824),
                chunk(5, 824, 221),
                answer(5, 1045),
            ],
        ),
        (
            "three in flight",
            vec![
                chunk(1, 160, 9),
                chunk(2, 169, 9),
                chunk(3, 178, 9),
                answer(1, 169),
                chunk(4, 187, 9),
                answer(2, 178),
                chunk(5, 196, 9),
                answer(3, 187),
            ],
        ),
        (
            "mark and reset",
            vec![
                chunk(1, 160, 9),
                answer(1, 169),
                state(2, &[("hash", bytes(&[2; 32])), ("confirm", truth(false))]),
                frame(WRITE, 0, 5, 3, &[0xa0]),
            ],
        ),
        ("confirm", vec![state(2, &[("confirm", truth(true))])]),
        (
            "a whole small image",
            vec![upload(
                0,
                &[
                    ("len", number(whole.len())),
                    ("off", number(0)),
                    ("sha", sha(&whole)),
                    ("data", bytes(&whole)),
                ],
            )],
        ),
        ("a vendor's frame", vec![frame(WRITE, 100, 1, 0, &[1, 2, 3])]),
        (
            "parameters",
            vec![
                frame(READ, 0, 6, 0, &[0xa0]),
                frame(READ_RESPONSE, 0, 6, 0, &map(&[("buf_size", number(384)), ("buf_count", number(4))])),
            ],
        ),
        (
            "a shell's exit code",
            vec![frame(WRITE_RESPONSE, 9, 0, 0, &map(&[("o", text("")), ("ret", number(1))]))],
        ),
    ];
    for (name, frames) in conversations {
        let found: Vec<_> = findings(&frames.concat())
            .into_iter()
            .filter(|(_, code)| !(name == "a whole small image" && code == "frame_over_512"))
            .collect();
        assert!(found.is_empty(), "{name}: {found:?}");
        let in_lines: Vec<u8> = frames.iter().flat_map(|frame| lines(frame)).collect();
        assert_eq!(codes(&in_lines), Vec::<String>::new(), "{name} in console lines");
        assert_eq!(explain(&in_lines)["frames"].as_array().map(Vec::len), Some(frames.len()));
    }
}

#[test]
fn a_frame_is_told_field_by_field() {
    let explained = explain(&answer(7, 160));
    assert_eq!(explained["framing"], "raw");
    assert_eq!(explained["length"], 20);
    let frame = &explained["frames"][0];
    assert_eq!(
        frame["header"],
        serde_json::json!({
            "op": "write response", "op_number": 3, "version": 1, "flags": 0, "length": 12, "group": 1,
            "group_name": "image", "sequence": 7, "command": 1, "command_name": "upload",
        })
    );
    assert_eq!(frame["meaning"], "Response: the device has 160 bytes of the image and goes on from there.");
    assert_eq!(frame["body"], serde_json::json!({ "rc": 0, "off": 160 }));
    assert_eq!((&frame["body_state"], &frame["error"]), (&"whole".into(), &Value::Null));
}

#[test]
fn an_error_is_told_with_its_name() {
    let explained = explain(&frame(
        WRITE_RESPONSE | 1 << 3,
        1,
        1,
        0,
        &map(&[("err", map(&[("group", number(1)), ("rc", number(9))]))]),
    ));
    let error = &explained["frames"][0]["error"];
    assert_eq!(
        (&error["group"], &error["code"], &error["name"]),
        (&1.into(), &9.into(), &"NO_FREE_SLOT".into())
    );
    assert!(error["text"].as_str().is_some_and(|text| text.contains("NO_FREE_SLOT: No slot is free")));
    let common = explain(&refused(1, 77));
    assert_eq!(common["frames"][0]["error"]["group"], Value::Null);
    assert_eq!(common["frames"][0]["error"]["text"], "rc 77");
}

#[test]
fn meanings_are_in_words() {
    for (bytes, meaning) in [
        (
            first(0),
            "Request: first chunk of an upload, 160 bytes of 70000, image 0, SHA-256 of the file 5a5a5a5a5a5a5a5a….",
        ),
        (chunk(1, 160, 222), "Request: to write 222 bytes of the image at offset 160."),
        (frame(READ, 1, 0, 0, &[0xa0]), "Request: to list the images."),
        (state(0, &[("confirm", truth(true))]), "Request: to confirm the running image."),
        (
            state(0, &[("hash", bytes(&[1; 32]))]),
            "Request: to start the image with hash 0101010101010101… on trial at the next reset.",
        ),
        (frame(WRITE, 0, 5, 0, &[0xa0]), "Request: to reset the device."),
        (frame(WRITE_RESPONSE, 0, 5, 0, &[0xa0]), "Response: to the request to reset the device."),
        (frame(WRITE, 0, 0, 0, &map(&[("d", text("hi"))])), "Request: to send back \"hi\"."),
        (
            frame(READ_RESPONSE, 0, 6, 0, &map(&[("buf_size", number(384)), ("buf_count", number(4))])),
            "Response: 4 buffers of 384 bytes; frames of up to 384 bytes if the device puts writes together, and 3 in flight at most.",
        ),
        (frame(READ, 100, 3, 0, &[0xa0]), "Request: command 3 of group 100."),
    ] {
        assert_eq!(explain(&bytes)["frames"][0]["meaning"], meaning);
    }
}

#[test]
fn every_way_to_write_bytes_gives_the_same_frames() {
    let raw = first(3);
    let frames = &explain(&raw)["frames"];
    let list = format!("{raw:?}");
    let spaced: Vec<String> = raw.iter().map(|byte| format!("0x{byte:02X}")).collect();
    for (written, framing) in [
        (hex(&raw).into_bytes(), "hexadecimal"),
        (spaced.join(", ").into_bytes(), "hexadecimal"),
        (base64(&raw).into_bytes(), "base64"),
        (list.into_bytes(), "list of numbers"),
        (lines(&raw), "console"),
        ([b"\nuart:~$ ".to_vec(), lines(&raw)].concat(), "console"),
        (hex(&lines(&raw)).into_bytes(), "hexadecimal"),
    ] {
        let explained = explain(&written);
        assert_eq!((&explained["framing"], &explained["frames"]), (&framing.into(), frames));
    }
}

#[test]
fn lists_are_bounded_and_the_rest_is_counted() {
    let many = chunk(1, 160, 9).repeat(100);
    let explained = explain(&many);
    assert_eq!(explained["frames"].as_array().map(Vec::len), Some(32));
    assert_eq!(explained["frames_left_out"], 68);
    let wrong = frame(READ | 2 << 3, 40, 1, 0, &[]).repeat(32);
    let explained = explain(&wrong);
    assert_eq!(explained["findings"].as_array().map(Vec::len), Some(64));
    assert_ne!(explained["findings_left_out"], 0);
}

/// Bodies made to be long when shown.
fn worst_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (1usize..60).prop_map(|n| map(&[("\u{1}".repeat(n).as_str(), text(&"\u{1}\"\\".repeat(n)))])),
        (1usize..4).prop_map(|n| {
            let image = map(&[
                ("version", text(&"\u{1}".repeat(40))),
                ("hash", bytes(&[0xff; 64])),
                ("active", truth(true)),
            ]);
            map(&[("images", list(&vec![image; n * 4])), ("rc", number(0))])
        }),
        (0usize..400).prop_map(|n| [vec![0xbf], [0x60, 0x40].repeat(n), vec![0xff]].concat()),
        prop::collection::vec(any::<u8>(), 0..80),
    ]
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), prop_oneof![0u16..12, Just(63), any::<u16>()], 0u8..9, any::<u8>(), worst_body())
        .prop_map(|(op, group, command, sequence, body)| frame(op & 0x0f, group, command, sequence, &body))
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let explained = explain(bytes);
    let output = explained.to_string();
    prop_assert!(output.len() <= MAX_OUTPUT, "{} bytes", output.len());
    prop_assert_eq!(explain(bytes).to_string(), output);
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_explained_within_bounds(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        check(&bytes)?;
    }

    #[test]
    fn any_frames_are_explained_within_bounds(frames in prop::collection::vec(any_frame(), 0..40)) {
        check(&frames.concat())?;
        let in_lines: Vec<u8> = frames.iter().flat_map(|frame| lines(frame)).collect();
        check(&in_lines)?;
    }

    #[test]
    fn damaged_mistakes_are_explained_within_bounds(
        which in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let table = mistakes();
        let mut bytes = table[which.index(table.len())].1.clone();
        if !bytes.is_empty() {
            let place = place.index(bytes.len());
            bytes[place] = byte;
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        check(&bytes)?;
    }
}
