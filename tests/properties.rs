//! The codec and the engine under random input: what must hold whatever comes.

#[path = "../fuzz/src/lib.rs"]
#[allow(dead_code, unreachable_pub, missing_docs)]
mod smpfota_fuzz;

use ciborium::Value as Cbor;
use proptest::collection::vec;
use proptest::prelude::*;
use smpfota::smp::cbor::{self, CborError, Value, Writer};
use smpfota::smp::header::HEADER_LEN;
use smpfota::smp::reassembly::Reassembly;
use smpfota::smp::{Header, Op};
use smpfota_fuzz::script::{Clock, play};
use smpfota_fuzz::stub;
use smpfota_fuzz::targets;

/// Random cases a property, unless PROPTEST_CASES says otherwise.
fn cases(usual: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn leaf() -> impl Strategy<Value = Cbor> {
    prop_oneof![
        any::<u64>().prop_map(Cbor::from),
        any::<i64>().prop_map(Cbor::from),
        any::<bool>().prop_map(Cbor::from),
        any::<f64>().prop_map(Cbor::from),
        Just(Cbor::Null),
        vec(any::<u8>(), 0..300).prop_map(Cbor::Bytes),
        "\\PC{0,40}".prop_map(Cbor::Text),
    ]
}

/// A value that nests at most four levels.
fn value() -> impl Strategy<Value = Cbor> {
    leaf().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Cbor::Array),
            vec(("[a-z]{0,8}", inner.clone()), 0..6).prop_map(|map| Cbor::Map(
                map.into_iter().map(|(key, value)| (Cbor::Text(key), value)).collect()
            )),
            (any::<u64>(), inner).prop_map(|(tag, value)| Cbor::Tag(tag, Box::new(value))),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<(String, Cbor)>> {
    vec(("[a-z_]{0,12}", value()), 0..8)
}

/// The same map with indefinite lengths, as zcbor writes it.
fn indefinite(value: &Cbor, out: &mut Vec<u8>) {
    match value {
        Cbor::Map(entries) => {
            out.push(0xbf);
            for (key, value) in entries {
                indefinite(key, out);
                indefinite(value, out);
            }
            out.push(0xff);
        }
        Cbor::Array(items) => {
            out.push(0x9f);
            items.iter().for_each(|item| indefinite(item, out));
            out.push(0xff);
        }
        other => out.extend(stub::encode(other)),
    }
}

/// Whether what our reader gives is what the independent one holds.
fn same(ours: &Value<'_>, theirs: &Cbor) -> bool {
    match (ours, theirs) {
        (Value::Unsigned(n), Cbor::Integer(i)) => i128::from(*i) == i128::from(*n),
        (Value::Negative(n), Cbor::Integer(i)) => i128::from(*i) == -1 - i128::from(*n),
        (Value::Bytes(b), Cbor::Bytes(t)) => *b == &t[..],
        (Value::Text(b), Cbor::Text(t)) => b == t,
        (Value::Bool(b), Cbor::Bool(t)) => b == t,
        (Value::Map(items), Cbor::Map(entries)) => {
            let mut entries = entries.iter();
            let mut all = true;
            let read = items.entries(|key, value| {
                all &= entries.next().is_some_and(|(k, v)| k.as_text() == Some(key) && same(&value, v));
            });
            read.is_ok() && all && entries.next().is_none()
        }
        (Value::Array(items), Cbor::Array(elements)) => {
            let mut elements = elements.iter();
            let mut all = true;
            let read = items.elements(|value| all &= elements.next().is_some_and(|v| same(&value, v)));
            read.is_ok() && all && elements.next().is_none()
        }
        (Value::Other, Cbor::Float(_) | Cbor::Null | Cbor::Tag(..)) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn what_an_independent_writer_writes_is_read_as_it_is(body in body()) {
        let map = Cbor::Map(body.iter().map(|(k, v)| (Cbor::Text(k.clone()), v.clone())).collect());
        let mut zcbor = Vec::new();
        indefinite(&map, &mut zcbor);
        for bytes in [stub::encode(&map), zcbor] {
            let mut expected = body.iter();
            let mut all = true;
            cbor::entries(&bytes, |key, value| {
                all &= expected.next().is_some_and(|(k, v)| k == key && same(&value, v));
            })
            .expect("well-formed");
            prop_assert!(all && expected.next().is_none());
            prop_assert!(cbor::is_exact_map(&bytes));
            // Every proper beginning is unfinished, never something else.
            for cut in [1, bytes.len() / 2, bytes.len() - 1] {
                if cut < bytes.len() {
                    let ended = cbor::entries(&bytes[..cut], |_, _| {});
                    prop_assert!(matches!(ended, Err(CborError::Truncated)), "{cut}: {ended:?}");
                }
            }
        }
    }

    #[test]
    fn what_we_write_an_independent_reader_reads(
        number in any::<u64>(), bytes in vec(any::<u8>(), 0..700), text in "\\PC{0,300}", flag in any::<bool>(), room in 0usize..1500,
    ) {
        let mut buffer = vec![0xee; room];
        let mut writer = Writer::new(&mut buffer);
        writer.map(4).text("n").unsigned(number).text("b").bytes(&bytes).text("t").text(&text).text("f").bool(flag);
        match writer.finish() {
            Ok(length) => {
                let read: Cbor = ciborium::from_reader(&buffer[..length]).expect("CBOR");
                let entry = |key: &str, value: Cbor| (Cbor::Text(key.into()), value);
                prop_assert_eq!(read, Cbor::Map(vec![
                    entry("n", number.into()), entry("b", Cbor::Bytes(bytes)), entry("t", Cbor::Text(text)), entry("f", flag.into()),
                ]));
            }
            Err(needed) => {
                prop_assert!(needed > room);
                // What it says it needs is enough.
                let mut buffer = vec![0; needed];
                let mut writer = Writer::new(&mut buffer);
                writer.map(4).text("n").unsigned(number).text("b").bytes(&bytes).text("t").text(&text).text("f").bool(flag);
                prop_assert_eq!(writer.finish(), Ok(needed));
            }
        }
    }

    #[test]
    fn headers_survive_the_round_trip(
        op in prop_oneof![Just(Op::Read), Just(Op::ReadResponse), Just(Op::Write), Just(Op::WriteResponse)],
        version in 0u8..4, flags in any::<u8>(), length in any::<u16>(), group in any::<u16>(), sequence in any::<u8>(), command in any::<u8>(),
    ) {
        let header = Header { op, version, flags, length, group, sequence, command };
        prop_assert_eq!(Header::decode(&header.encode()), Some(header));
    }

    #[test]
    fn frames_come_out_of_any_pieces_in_order(
        bodies in vec(vec(any::<u8>(), 0..200), 1..6), pieces in vec(1usize..90, 1..40),
    ) {
        let frames: Vec<Vec<u8>> = bodies
            .iter()
            .enumerate()
            .map(|(sequence, bytes)| {
                let body = stub::encode(&Cbor::Map(vec![("d".into(), Cbor::Bytes(bytes.clone()))]));
                let request = Header { op: Op::Read, version: 1, flags: 0, length: 0, group: 0, sequence: sequence as u8, command: 0 };
                stub::respond(request, &body)
            })
            .collect();
        // A piece never begins inside of one frame and ends in another: carriers cut notifications at frames.
        let mut reassembly = Reassembly::new(1_000);
        let mut seen = Vec::new();
        let mut pieces = pieces.iter().cycle();
        for frame in &frames {
            let mut rest = &frame[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at((*pieces.next().unwrap()).max(HEADER_LEN).min(rest.len()));
                reassembly.feed(0, piece, |frame| seen.push([&frame.header.encode()[..], frame.body].concat()));
                rest = after;
            }
        }
        prop_assert_eq!(seen, frames);
    }

    #[test]
    fn no_bytes_make_a_parser_panic(data in vec(any::<u8>(), 0..300), style in any::<u8>()) {
        let data = [&[style][..], &data[..]].concat();
        for (name, run) in targets::ALL {
            if !name.contains("session") {
                run(&data);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(200))]

    // Every output of these sessions is held against the invariants by `checked`: sizes of writes and frames, frames in
    // flight, the first chunk alone, offsets that the device named, the bytes of the file, nothing after the end, deadlines
    // that lie ahead, an end in bounded time, no success that the device did not state.

    #[test]
    fn a_session_keeps_its_invariants_whatever_happens(script in vec(any::<u8>(), 0..600)) {
        targets::session::run(&script);
    }

    #[test]
    fn an_update_that_mostly_goes_well_keeps_them_too(
        head in vec(any::<u8>(), 20), script in vec(prop_oneof![8 => 0u8..0xa0, 1 => any::<u8>()], 0..600),
    ) {
        let mut bytes = head;
        bytes.extend(script);
        targets::session::run(&bytes);
    }

    #[test]
    fn so_does_an_update_of_the_virtual_device(
        head in vec(any::<u8>(), 14), noise in vec(prop_oneof![10 => 0u8..0xe0, 1 => any::<u8>()], 0..400),
    ) {
        let mut bytes = head;
        bytes.extend(noise);
        targets::device_session::run(&bytes);
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs(script in vec(any::<u8>(), 0..400)) {
        let first = play(&script, Clock::AsTold, true);
        prop_assert_eq!(first, play(&script, Clock::AsTold, true));
    }

    #[test]
    fn a_clock_that_goes_back_is_one_that_stands_still(script in vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(play(&script, Clock::AsTold, true), play(&script, Clock::Monotonic, true));
    }
}
