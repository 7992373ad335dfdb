//! The virtual link: delays, bandwidth, losses, drops and every fault script, seen from a simple client.

mod simulator_support;

use simulator_support::*;
use smpfota::simulator::{
    DeviceOptions, DeviceProfile, Fault, LinkKind, RoundTrip, Scenario, VirtualLink, ideal_time_us, image,
};

/// Everything that comes back until this time, with its time of arrival.
fn read_until(link: &mut VirtualLink, until: u64) -> Vec<(u64, Vec<u8>)> {
    let mut got = Vec::new();
    while let Some(at) = link.next_event().filter(|at| *at <= until) {
        while let Some(entry) = link.read_timed(at) {
            got.push(entry);
        }
    }
    got
}

fn echo(sequence: u8) -> Vec<u8> {
    frame(1, READ, 0, sequence, 0, &encode(&map([("d", "x".into())])))
}

fn chunk_frame(image: &[u8], sequence: u8, from: usize, to: usize) -> Vec<u8> {
    let body = if from == 0 {
        first(image, to)
    } else {
        map([("off", int(from)), ("data", bytes(&image[from..to]))])
    };
    frame(1, WRITE, 1, sequence, 1, &encode(&body))
}

/// Sends 100-byte chunks one by one, once each, and gives every answer as (sequence, body).
fn upload_blindly(link: &mut VirtualLink, image: &[u8], frames: usize, gap: u64) -> Vec<(u8, String)> {
    let mut got = Vec::new();
    let mut now = 0;
    for number in 0..frames {
        let (from, to) = (number * 100, (number * 100 + 100).min(image.len()));
        link.write(now, &chunk_frame(image, number as u8, from, to));
        now += gap;
        got.extend(read_until(link, now));
    }
    got.extend(read_until(link, now + 600_000_000));
    got.iter().map(|(_, raw)| parse(raw)).map(|a| (a.sequence, a.body)).collect()
}

fn scenario(fault: Fault) -> Scenario {
    Scenario::new(LinkKind::None).fault(fault).image_size(3000)
}

fn offs(answers: &[(u8, String)]) -> String {
    let short = |body: &str| body.trim_matches(['{', '}']).replace("off: ", "");
    answers.iter().map(|(n, body)| format!("{n}:{}", short(body))).collect::<Vec<_>>().join(" ")
}

#[test]
fn names_are_unique_and_read_back() {
    for kind in LinkKind::ALL {
        assert_eq!(LinkKind::from_name(kind.name()), Some(*kind));
    }
    for fault in Fault::ALL {
        assert_eq!(Fault::from_name(fault.name()), Some(*fault));
    }
    for profile in DeviceProfile::ALL {
        assert_eq!(DeviceProfile::from_name(profile.name()), Some(*profile));
    }
    assert_eq!(Fault::from_name("nothing"), None);
    assert_eq!(Fault::ALL[0], Fault::None);
    assert_eq!(LinkKind::ALL[0], LinkKind::None);
}

#[test]
fn an_ideal_link_takes_five_milliseconds() {
    let mut link = scenario(Fault::None).build();
    link.write(1_000, &echo(1));
    let got = read_until(&mut link, 1_000_000);
    assert_eq!(got.len(), 1);
    // Half of the round trip, the device's 100 + 300 µs, the other half.
    assert_eq!(got[0].0, 1_000 + 2_500 + 400 + 2_500);
}

#[test]
fn frames_wait_for_the_bandwidth_and_never_overtake() {
    let scenario = Scenario::new(LinkKind::BleLocal).seed(3).device(|o| {
        o.buf_count = 100;
        o.request_us = 0;
        o.wake_us = 0;
    });
    let mut link = scenario.build();
    let big = frame(1, READ, 0, 0, 0, &encode(&map([("d", "x".repeat(230).as_str().into())])));
    for _ in 0..40 {
        link.write(0, &big);
    }
    let got = read_until(&mut link, 10_000_000);
    assert_eq!(got.len(), 40);
    assert!(got.windows(2).all(|w| w[0].0 <= w[1].0));
    let (first, last) = (got[0].0, got[39].0);
    let wire = 40 * 244 * 1_000_000 / 80_000;
    assert!((45_000..=75_000).contains(&first), "{first}");
    assert!((wire..wire + 90_000).contains(&last), "{last} {wire}");
}

#[test]
fn the_same_seed_is_the_same_run_and_another_seed_another() {
    let run = |seed| {
        let scenario = Scenario::new(LinkKind::CellularBad).seed(seed);
        let image = scenario.image();
        let mut link = scenario.build();
        let answers = upload_blindly(&mut link, &image, 60, 500_000);
        (answers, link.counters(), link.device().counters())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn faults_do_not_move_the_delays() {
    // The k-th frame has the same delay with and without faults: what is answered, is answered at the same time
    // as far as the answers' own delays go. So compare the times of arrival at the device.
    let arrivals = |faults: bool| {
        let scenario = Scenario::new(LinkKind::IothubMethod).seed(9).link(|l| {
            l.loss_up = 0.0;
            l.reorder = 0.0;
            l.duplicate = 0.0;
            l.loss_down = if faults { 0.3 } else { 0.0 };
        });
        let mut link = scenario.build();
        let mut times = Vec::new();
        for n in 0..100u64 {
            link.write(n * 10_000_000, &echo(n as u8));
            let mut answered = None;
            while let Some(at) = link.next_event().filter(|at| *at < (n + 1) * 10_000_000) {
                let before = link.device().counters().requests;
                let got = link.read_timed(at);
                if link.device().counters().requests > before {
                    answered = Some(at);
                }
                drop(got);
            }
            times.push(answered);
        }
        times
    };
    let (clean, faulty) = (arrivals(false), arrivals(true));
    assert!(clean.iter().all(Option::is_some));
    let lost = faulty.iter().filter(|t| t.is_none()).count();
    assert!((15..45).contains(&lost), "{lost}");
    for (clean, faulty) in clean.iter().zip(&faulty) {
        assert!(faulty.is_none() || faulty == clean);
    }
}

#[test]
fn losses_copies_and_reordering_come_as_often_as_stated() {
    let mut link = Scenario::new(LinkKind::None)
        .seed(4)
        .link(|l| {
            l.loss_down = 0.1;
            l.loss_up = 0.05;
            l.duplicate = 0.02;
            l.reorder = 0.03;
            l.truncate = 0.01;
        })
        .build();
    for n in 0..10_000u64 {
        link.write(n * 20_000, &echo(n as u8));
        read_until(&mut link, n * 20_000);
    }
    read_until(&mut link, u64::MAX - 1);
    let c = link.counters();
    let near = |count: u64, expected: u64| count * 10 > expected * 8 && count * 10 < expected * 12;
    assert!(near(c.lost_down, 1000) && near(c.lost_up, 450) && near(c.truncated, 90), "{c:?}");
    assert!(near(c.duplicated, 180 + 170) && near(c.reordered, 270 + 250), "{c:?}");
}

#[test]
fn writes_of_one_frame_share_their_fate() {
    let mut link = Scenario::new(LinkKind::None).large().link(|l| l.loss_down = 0.5).build();
    let big = frame(1, READ, 0, 0, 0, &encode(&map([("d", "x".repeat(2000).as_str().into())])));
    let mut answered = 0;
    for n in 0..200u64 {
        let now = n * 1_000_000;
        for write in big.chunks(244) {
            link.write(now, write);
        }
        let pieces = read_until(&mut link, now + 900_000);
        // The answer comes in pieces of 244 bytes, all at once.
        let raw: Vec<u8> = pieces.iter().flat_map(|(_, p)| p.clone()).collect();
        if !raw.is_empty() {
            assert_eq!(pieces[0].1.len(), 244);
            assert!(parse(&raw).body.starts_with("{r:"));
            answered += 1;
        }
    }
    // Were writes lost one by one, one frame in 500 would come through, and the next would be spoilt with it.
    assert!((70..130).contains(&answered), "{answered}");
}

#[test]
fn a_lone_lost_write_blocks_a_device_that_reassembles() {
    let mut link = Scenario::new(LinkKind::None).large().build();
    let big = frame(1, READ, 0, 0, 0, &encode(&map([("d", "x".repeat(400).as_str().into())])));
    link.write(0, &big[..244]);
    assert!(read_until(&mut link, 1_000_000_000).is_empty(), "there is no time limit on a half frame");
    link.set_link(1_000_000_000, false);
    link.set_link(1_000_000_000, true);
    link.write(1_000_000_000, &echo(1));
    assert_eq!(read_until(&mut link, 1_001_000_000).len(), 1, "a disconnect ends it");
}

#[test]
fn the_link_drops_about_once_a_minute_with_all_in_flight() {
    let mut link =
        Scenario::new(LinkKind::CellularBad).link(|l| (l.loss_down, l.loss_up) = (0.0, 0.0)).build();
    let mut answered = 0;
    for n in 0..6_000u64 {
        link.write(n * 500_000, &echo(n as u8));
        answered += read_until(&mut link, (n + 1) * 500_000).len();
    }
    let counters = link.counters();
    assert!((30..65).contains(&counters.drops), "{counters:?}");
    assert!(answered > 4_000 && answered < 6_000, "{answered}");
}

#[test]
fn a_link_that_the_caller_drops() {
    let mut link = scenario(Fault::None).build();
    link.write(0, &echo(1));
    link.set_link(1_000, false);
    link.write(2_000, &echo(2));
    assert!(read_until(&mut link, 1_000_000).is_empty());
    link.set_link(1_000_000, true);
    link.write(1_000_000, &echo(3));
    assert_eq!(read_until(&mut link, 2_000_000).len(), 1);
}

#[test]
fn a_gateway_that_does_one_operation_at_a_time() {
    let mut link = scenario(Fault::None).link(|l| l.operation_us = 1_000_000).build();
    for n in 0..3 {
        link.write(0, &echo(n));
    }
    let times: Vec<u64> = read_until(&mut link, 10_000_000).iter().map(|(at, _)| at / 1_000_000).collect();
    assert_eq!(times, [1, 2, 3]);
}

#[test]
fn seed_thread_drops_the_second_and_replays_the_first() {
    let scenario = scenario(Fault::SeedThread);
    let mut link = scenario.build();
    // Other requests before the upload do not count.
    link.write(0, &echo(99));
    read_until(&mut link, 100_000);
    let answers = upload_blindly(&mut link, &scenario.image(), 8, 100_000);
    // Nothing for 1; every later one gets the offset after the first chunk; the first answer comes once more.
    assert_eq!(offs(&answers), "0:100 2:100 3:100 4:100 0:100 5:100 6:100 7:100");
}

#[test]
fn truncate_1_cuts_full_writes() {
    let scenario = Scenario::new(LinkKind::None).large().fault(Fault::TruncateOne);
    let mut link = scenario.build();
    let image = scenario.image();
    let full = |number: u8, from: usize| {
        let mut to = from + 200;
        while chunk_frame(&image, number, from, to).len() < 244 {
            to += 1;
        }
        (chunk_frame(&image, number, from, to), to)
    };
    let (first, end) = full(0, 0);
    let (second, _) = full(1, end);
    let mut said = Vec::new();
    for (n, write) in [&first, &second, &echo(2), &first[..243].to_vec(), &echo(3)].into_iter().enumerate() {
        link.write(n as u64 * 1_000_000, write);
        said.push(read_until(&mut link, (n as u64 + 1) * 1_000_000).len());
    }
    // Silence, silence (the overflow), an answer; a write of 243 bytes is not cut, but is a byte short itself.
    assert_eq!(said, [0, 0, 1, 0, 0]);
    assert_eq!(link.counters().fault_acts, 2);
}

#[test]
fn cached_notify_brings_old_answers_again() {
    let mut link = scenario(Fault::CachedNotify).build();
    let mut got = Vec::new();
    for n in 0..10u64 {
        link.write(n * 100_000, &echo(n as u8));
        got.extend(read_until(&mut link, n * 100_000 + 90_000).iter().map(|(_, raw)| parse(raw).sequence));
    }
    assert_eq!(got, [0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 9]);
}

#[test]
fn late_first_frame_erases_a_finished_upload() {
    for profile in DeviceProfile::ALL {
        let scenario = scenario(Fault::LateFirstFrame)
            .profile(*profile)
            .device(|o| o.erase = smpfota::simulator::EraseMode::FirstChunkImage);
        let image = scenario.image();
        let mut link = scenario.build();
        let answers = upload_blindly(&mut link, &image, 30, 100_000);
        assert_eq!(answers.last().unwrap().0, 0, "the first frame is answered once more, after the last");
        assert_eq!(link.device_mut().slots().len(), 1, "and the slot is erased");
        assert_eq!(link.counters().fault_acts, 1);
    }
}

#[test]
fn buf_burst_overflows_the_pool() {
    let scenario = scenario(Fault::BufBurst);
    let mut link = scenario.build();
    upload_blindly(&mut link, &scenario.image(), 20, 100_000);
    let counters = link.device().counters();
    assert_eq!((counters.no_response_buffer, counters.no_buffer), (1, 3));
}

#[test]
fn reboot_midway_forgets_the_upload_once() {
    let scenario = scenario(Fault::RebootMidway);
    let mut link = scenario.build();
    let answers = upload_blindly(&mut link, &scenario.image(), 25, 1_000_000);
    assert_eq!(link.device().counters().boots, 1);
    assert!(offs(&answers).ends_with("21:0 22:0 23:0 24:0"), "{}", offs(&answers));
}

#[test]
fn syswq_freeze_lasts_until_the_link_goes_down() {
    let scenario = scenario(Fault::SyswqFreeze);
    let mut link = scenario.build();
    let answers = upload_blindly(&mut link, &scenario.image(), 20, 1_000_000);
    assert_eq!(answers.len(), 10, "silence from a third on: {}", offs(&answers));
    assert!(link.device().is_frozen());
    let now = 1_000_000_000;
    link.set_link(now, false);
    link.set_link(now, true);
    link.write(now, &echo(1));
    assert_eq!(read_until(&mut link, now + 1_000_000).len(), 1);
}

#[test]
fn c2d_redelivery_comes_a_minute_later() {
    let mut link = scenario(Fault::C2dRedelivery).build();
    let mut late = 0;
    for n in 0..100u64 {
        link.write(n * 1_000, &echo(n as u8));
        read_until(&mut link, n * 1_000);
    }
    for (at, _) in read_until(&mut link, 1_000_000_000) {
        late += usize::from(at > 60_000_000);
    }
    assert!((1..15).contains(&late), "{late}");
    assert_eq!(late as u64, link.counters().fault_acts);
}

#[test]
fn frame_ceiling_lets_only_short_writes_pass() {
    let mut link = scenario(Fault::FrameCeiling).build();
    let echo = |length: usize| {
        frame(1, READ, 0, 1, 0, &encode(&map([("d", "x".repeat(length - 8 - 1 - 2 - 2).as_str().into())])))
    };
    assert_eq!(echo(200).len(), 200);
    link.write(0, &echo(200));
    link.write(1_000_000, &echo(201));
    assert_eq!(read_until(&mut link, 10_000_000).len(), 1);
}

#[test]
fn fragment_loss_takes_single_writes() {
    let scenario = Scenario::new(LinkKind::None).large().fault(Fault::FragmentLoss);
    let mut link = scenario.build();
    let big = frame(1, READ, 0, 0, 0, &encode(&map([("d", "x".repeat(2000).as_str().into())])));
    let mut answered = 0;
    for n in 0..300u64 {
        for write in big.chunks(244) {
            link.write(n * 1_000_000, write);
        }
        answered += usize::from(!read_until(&mut link, n * 1_000_000 + 900_000).is_empty());
    }
    assert!((270..300).contains(&answered), "{answered}");
    // A lone write is not part of a larger frame and stays.
    assert!(link.counters().fault_acts >= 1);
}

#[test]
fn the_oracle_is_repeatable_and_a_wider_window_is_faster() {
    for kind in LinkKind::ALL {
        let profile = kind.profile();
        let ideal = |frame, window| ideal_time_us(&profile, frame, window, 5, 60_000).unwrap();
        assert_eq!(ideal(244, 3), ideal(244, 3));
        assert!(ideal(244, 3) < ideal(244, 1), "{}", kind.name());
        assert!(ideal(2475, 3) < ideal(244, 3), "{}", kind.name());
    }
    assert_eq!(ideal_time_us(&LinkKind::None.profile(), 20, 1, 1, 1000), None, "nothing fits 20 bytes");
}

#[test]
fn jitter_makes_the_oracle_slower_but_stays_near() {
    let mut profile = LinkKind::IothubMethod.profile();
    let jitter = ideal_time_us(&profile, 244, 3, 1, 100_000).unwrap();
    profile.round_trip = RoundTrip::Uniform { mean_us: 300_000, spread_us: 0 };
    let steady = ideal_time_us(&profile, 244, 3, 1, 100_000).unwrap();
    assert!(jitter > steady && jitter < 3 * steady, "{jitter} {steady}");
}

#[test]
fn scenarios_from_a_seed_differ_and_repeat() {
    let all: Vec<Scenario> = (0..200).map(Scenario::random).collect();
    assert_eq!(all[7], Scenario::random(7));
    let faults: std::collections::HashSet<_> = all.iter().map(|s| s.fault).collect();
    assert_eq!(faults.len(), Fault::ALL.len());
    assert!(all.iter().any(|s| s.device.profile == DeviceProfile::Ncs21));
    assert!(all.iter().any(|s| s.device.reassembly) && all.iter().any(|s| !s.device.reassembly));
    for scenario in &all {
        let mut link = scenario.build();
        assert_eq!(link.device_mut().slots().len(), 1);
        assert_eq!(scenario.image().len(), scenario.image_size as usize);
    }
}

#[test]
fn describe_tells_slots_and_counters() {
    let mut link = scenario(Fault::None).build();
    link.write(0, &echo(1));
    read_until(&mut link, 1_000_000);
    let said = link.describe();
    assert_eq!(said["running"], "1.0.0");
    assert_eq!(said["slots"][0]["confirmed"], true);
    assert_eq!(said["device"]["requests"], 1);
    assert_eq!(said["link"]["frames_up"], 1);
    assert_eq!(said["profile"], "zephyr-4.4");
}

#[test]
fn garbage_of_any_length_does_no_harm() {
    use smpfota::simulator::rng::Rng;
    use smpfota::simulator::{Transport, VirtualDevice};
    let mut rng = Rng::new(11);
    for transport in [Transport::Ble, Transport::Udp, Transport::Serial] {
        for profile in DeviceProfile::ALL {
            for reassembly in [false, true] {
                let options =
                    DeviceOptions { transport, reassembly, echo_group: true, ..DeviceOptions::new(*profile) };
                let mut device = VirtualDevice::new(options);
                for n in 0..3_000u64 {
                    let mut garbage = vec![0; rng.below(400) as usize];
                    rng.fill(&mut garbage);
                    if rng.chance(0.7) && garbage.len() > 8 {
                        // Something that looks like a request.
                        let length = (garbage.len() - 8) as u16;
                        garbage[..8].copy_from_slice(&[
                            2 * (n % 2) as u8,
                            0,
                            0,
                            0,
                            0,
                            (n % 11) as u8,
                            0,
                            (n % 7) as u8,
                        ]);
                        garbage[2..4].copy_from_slice(&length.to_be_bytes());
                        garbage[8] = 0xa0 | (n % 4) as u8;
                    }
                    device.write(n * 100_000_000, &garbage);
                    while device.poll(n * 100_000_000 + 99_999_999).is_some() {}
                }
                assert_eq!(device.running().unwrap().to_string(), "1.0.0");
            }
        }
    }
    let _ = image::MIN_SIZE;
}

#[test]
fn any_clock_will_do() {
    for start in [0, 1_700_000_000_000_000, u64::MAX / 2, u64::MAX - 1_000, u64::MAX] {
        for kind in LinkKind::ALL {
            let mut link = Scenario::new(*kind).fault(Fault::C2dRedelivery).build();
            for n in 0..20 {
                link.write(start.saturating_add(n), &echo(n as u8));
            }
            for n in 0..50u64 {
                let now = start.saturating_add(n * 1_000_000);
                while link.read(now).is_some() {}
            }
            // A jump ahead by years, and a time that goes back.
            link.write(start.saturating_add(1 << 55), &frame(1, WRITE, 0, 1, 5, &[0xa0]));
            while link.read(u64::MAX).is_some() {}
            link.write(5, &echo(1));
            while link.read(6).is_some() {}
            link.set_link(7, false);
            link.set_link(8, true);
        }
    }
}
