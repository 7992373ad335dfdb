//! Captures: the same conversation, and what stands only at the level of the link.

use super::packets::*;
use super::script::*;
use super::support::{explained, explained_in, verdict};
use serde_json::Value;

fn written(write: impl Fn(&mut Script)) -> Script {
    let mut script = Script::default();
    write(&mut script);
    script
}

fn told(value: &Value) -> (Value, Value, Value, Vec<u64>) {
    let frames = value["evidence"]["frames"].as_array().expect("frames");
    let frames = frames.iter().filter_map(|frame| frame["frame"].as_u64()).collect();
    (value["cause"].clone(), value["next_step"].clone(), value["says"].clone(), frames)
}

#[test]
fn a_capture_of_any_kind_gives_the_verdict_of_the_recording() {
    let mut wrong = Vec::new();
    let table = super::causes::table();
    for (name, script, _) in &table {
        let expected = told(&verdict(&recording(script)));
        for (form, write) in super::packets::FORMS {
            let verdict = verdict(&write(script));
            if told(&verdict) != expected {
                wrong.push(format!("{name}, {form}: {:?} instead of {expected:?}", told(&verdict)));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        table.len() * super::packets::FORMS.len(),
        wrong.join("\n")
    );
}

#[test]
fn captures_come_in_pieces_of_any_size() {
    let script = written(|s| {
        s.begun().upload(176, 1_176);
    });
    for (form, write) in super::packets::FORMS {
        let bytes = write(&script);
        let whole = explained(&bytes);
        assert_eq!(whole.1["figures"]["frames"], script.said.len(), "{form}");
        for piece in [1, 7, 64, 65, 1000] {
            assert_eq!(explained_in(&bytes, piece), whole, "{form} in pieces of {piece}");
        }
    }
}

#[test]
fn times_come_from_the_packets() {
    let script = written(|s| {
        s.begun().upload(176, 1_176);
    });
    for (form, write) in super::packets::FORMS {
        let verdict = verdict(&write(&script));
        assert_eq!(verdict["figures"]["round_trip_ms"]["median"], 100, "{form}");
    }
}

#[test]
fn two_devices_are_told_apart() {
    let quiet = written(|s| {
        s.echo(true);
    });
    let (_, stuck, cause) =
        super::causes::table().into_iter().find(|(name, ..)| name.starts_with("H8")).expect("a script");
    let verdict = verdict(&two_devices(&quiet, &stuck));
    assert_eq!(
        (&verdict["cause"], &verdict["format"]["links"]),
        (&cause.name().into(), &2.into()),
        "{verdict:#}"
    );
}

#[test]
fn the_link_is_told_as_it_was() {
    let script = written(|s| {
        s.begun().upload(176, 976);
    });
    for (form, file) in [
        ("host", btsnoop(1002, &hci(&units(&script), 64, &DEVICE, 27))),
        ("btmon", btmon(&units(&script), false)),
    ] {
        let (lines, _) = explained(&file);
        for part in
            ["The link is up", "The ATT MTU is 247: a write carries 244 bytes", "Notifications are on"]
        {
            assert!(lines.iter().any(|line| line.contains(part)), "{form}: {part}: {lines:#?}");
        }
    }
}

/// An upload, a disconnect, a new connection, and requests into silence.
fn reconnected(anew: &[Unit]) -> Vec<Unit> {
    let script = written(|s| {
        s.begun().upload(176, 976);
    });
    let mut all = units(&script);
    let now = script.said.last().expect("a frame").ms;
    all.push(Unit::Down { ms: now + 5_000, reason: 0x13 });
    all.push(Unit::Up { ms: now + 6_000 });
    all.extend(anew.iter().cloned());
    for n in 0..3u8 {
        let bytes = chunk(100 + n, 976, 200);
        all.push(value(&Said { ms: now + 8_000 + 3_000 * u64::from(n), to_device: true, bytes }));
    }
    all
}

#[test]
fn an_mtu_that_is_not_asked_for_again_is_seen() {
    let anew = subscribe(1_000_000);
    for (form, file) in [
        ("host", btsnoop(1002, &hci(&reconnected(&anew), 64, &DEVICE, 27))),
        ("btmon", btmon(&reconnected(&anew), false)),
        ("air", {
            let mut air = Air::new(Sniffer::Header);
            air.units(&reconnected(&anew), true);
            air.file()
        }),
        ("air, beginnings unheard", {
            let mut air = Air::new(Sniffer::Nordic);
            air.units(&reconnected(&anew), false);
            air.file()
        }),
    ] {
        let verdict = verdict(&file);
        assert_eq!(verdict["cause"], "LINK_SETTINGS_LOST", "{form}: {verdict:#}");
        let says = verdict["says"].as_str().expect("text");
        assert!(says.contains("the MTU of 247 was not asked for again and is 23"), "{form}: {says}");
        assert!(!says.contains("notifications"), "{form}: {says}");
    }
}

#[test]
fn notifications_that_nobody_switched_on_again_are_seen() {
    let anew = mtu(1_000_000, 517, 247);
    let verdict = verdict(&btsnoop(1002, &hci(&reconnected(&anew), 64, &DEVICE, 27)));
    assert_eq!(verdict["cause"], "LINK_SETTINGS_LOST", "{verdict:#}");
    assert!(
        verdict["says"].as_str().expect("text").contains("nobody switched notifications on"),
        "{verdict:#}"
    );
}

#[test]
fn a_descriptor_that_nobody_wrote_explains_the_silence() {
    let script = written(|s| {
        s.ask(first(0)).wait(40_000).ask(first(1));
    });
    let mut all = units(&script);
    all.retain(|unit| !matches!(unit, Unit::Att { bytes, .. } if matches!(bytes[0], 0x12 | 0x13)));
    for file in [btsnoop(1002, &hci(&all, 64, &DEVICE, 27)), btmon(&all, true)] {
        let verdict = verdict(&file);
        assert_eq!(
            (&verdict["cause"], &verdict["certainty"]),
            (&"NEVER_ANSWERED".into(), &"certain".into()),
            "{verdict:#}"
        );
        assert!(
            verdict["says"].as_str().expect("text").contains("nobody switched notifications on"),
            "{verdict:#}"
        );
    }
}

#[test]
fn an_error_that_asks_for_pairing_is_the_cause() {
    for code in [0x05, 0x0f] {
        let mut all = opening(0);
        all.truncate(4);
        all.push(Unit::Att { ms: 100, sent: true, bytes: vec![0x12, 0x13, 0, 1, 0] });
        all.push(error(110, 0x12, 0x13, code));
        for file in [btsnoop(1002, &hci(&all, 64, &DEVICE, 27)), btmon(&all, false)] {
            let verdict = verdict(&file);
            assert_eq!(verdict["cause"], "PAIRING_NEEDED", "{verdict:#}");
            assert!(verdict["says"].as_str().expect("text").contains(&format!("{code:#04x}")));
        }
    }
    // Pairing that succeeds is no cause.
    let script = written(|s| {
        s.begun().upload(176, LEN);
    });
    let mut all = opening(0);
    all.push(Unit::Att { ms: 1, sent: true, bytes: [&[0x12, 0x12, 0][..], &first(9)].concat() });
    all.push(error(2, 0x12, VALUE, 5));
    all.push(Unit::Pairing { ms: 3, sent: true, bytes: vec![1, 4, 0, 1, 16, 7, 7] });
    all.extend(script.said.iter().map(value));
    let (lines, verdict) = explained(&btsnoop(1002, &hci(&all, 64, &DEVICE, 27)));
    assert_eq!(verdict["cause"], "NOTHING_WRONG", "{verdict:#}");
    assert!(lines.iter().any(|line| line.contains("Pairing is asked for")), "{lines:#?}");
}

#[test]
fn an_encrypted_sniff_is_told_so_and_where_to_record_instead() {
    let script = written(|s| {
        s.begun().upload(176, 1_976);
    });
    for sniffer in [Sniffer::Header, Sniffer::Nordic] {
        // The beginning of the encryption is heard, or the sniffer came later and hears noise.
        for heard in [true, false] {
            let mut air = Air::new(sniffer);
            air.connect(0, heard);
            if heard {
                air.units(&mtu(0, 517, 247), true);
                air.control(1, true, &[0x03; 23]);
                air.control(2, false, &[0x05]);
                air.encrypted = true;
            }
            let mut noise = units(&script);
            noise.retain(|unit| matches!(unit, Unit::Att { .. }));
            let mut state = 1u32;
            for unit in &mut noise {
                let Unit::Att { bytes, .. } = unit else { continue };
                for byte in bytes.iter_mut() {
                    state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                    *byte = (state >> 16) as u8;
                }
            }
            let before = air.packets.len();
            air.units(&noise, true);
            // The header of L2CAP is encrypted too.
            for (_, packet) in &mut air.packets[before..] {
                let at = packet.len() - 3;
                for byte in packet[..at].iter_mut().skip(if sniffer == Sniffer::Header { 16 } else { 23 }) {
                    *byte ^= 0xa7;
                }
            }
            let verdict = verdict(&air.file());
            assert_eq!(verdict["cause"], "ENCRYPTED", "{sniffer:?} {heard}: {verdict:#}");
            assert!(verdict["next_step"].as_str().expect("text").contains("record in the host"));
        }
    }
    let hello: Vec<u8> = [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 40][..], &[3; 40]].concat();
    let dtls = written(|s| {
        s.ask(hello.clone()).hear(hello.clone()).ask(hello.clone());
    });
    let verdict = verdict(&over_ip(&dtls, 101));
    assert_eq!(verdict["cause"], "ENCRYPTED", "{verdict:#}");
}

#[test]
fn what_is_beside_the_smp_characteristic_is_left_out() {
    let script = written(|s| {
        s.begun().upload(176, 1_176);
    });
    let mut all = units(&script);
    let other =
        |n: u64| Unit::Att { ms: n, sent: false, bytes: [&[0x1b, 0x30, 0][..], &taken(9, 3)].concat() };
    (0..5).for_each(|n| all.insert(7 + 2 * n as usize, other(n)));
    let verdict = verdict(&btsnoop(1002, &hci(&all, 64, &DEVICE, 27)));
    assert_eq!(verdict["figures"]["frames"], script.said.len(), "{verdict:#}");
}

#[test]
fn a_capture_that_keeps_no_whole_packets_is_read_as_far_as_it_goes() {
    let script = written(|s| {
        s.begun().upload(176, LEN);
    });
    // At most 60 bytes of each packet, as phones keep that filter their logs.
    let mut file = b"btsnoop\0\0\0\0\x01\0\0\x03\xea".to_vec();
    for (ms, sent, kind, bytes) in hci(&units(&script), 64, &DEVICE, 1_000) {
        let content = [&[kind], &bytes[..]].concat();
        let kept = content.len().min(60);
        for field in [content.len() as u32, kept as u32, u32::from(!sent), 0] {
            file.extend(field.to_be_bytes());
        }
        file.extend((0x00dc_ddb3_0f2f_8000 + ms * 1000).to_be_bytes());
        file.extend(&content[..kept]);
    }
    let verdict = verdict(&file);
    assert_eq!(verdict["cause"], "NOTHING_WRONG", "{verdict:#}");
    assert_eq!(verdict["figures"]["uploads_complete"], 1);
}

#[test]
fn captures_without_smp_are_told_why() {
    for (file, word) in [
        (pcap(105, &[(0, vec![0; 60])]), "link type 105"),
        (pcap(1, &[(0, vec![0; 60])]), "None of the 1 packets carries SMP"),
        (pcap(1, &[]), "holds no packet"),
        (btsnoop(1003, &[(0, true, 2, vec![0; 9])]), "datalink 1003"),
    ] {
        let verdict = verdict(&file);
        assert_eq!(verdict["cause"], "NO_SMP", "{verdict:#}");
        assert!(verdict["says"].as_str().expect("text").contains(word), "{word}: {verdict:#}");
    }
}
