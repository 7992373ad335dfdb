//! Lists that show less than they should.

use smpfota::simulator::image::Recipe;
use smpfota::simulator::{BootMode, Listing};
use smpfota::{Finding, Status, UpdateOptions};

use crate::drive::End;
use crate::kit::{self, runs};
use crate::world::*;

/// The device marks and boots it; no list ever shows that it was this one.
#[test]
fn item_22_a_list_without_hashes_leaves_it_unverified() {
    for mode in [BootMode::SwapMove, BootMode::OverwriteOnly, BootMode::RamLoad] {
        let scenario = new(|device| {
            device.boot_mode = mode;
            device.quirks.listing = Listing::WithoutHashes;
        });
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        unverified(&mut drive, 0);
        assert_eq!((runs(&mut drive), uploads(&drive)), ("1.1.0".into(), 1));
    }
}

/// Nothing is listed, before or after: one upload, and a sentence about hashes that the server does not know.
#[test]
fn item_22_an_empty_list_costs_one_upload_and_is_not_blamed_on_the_carrier() {
    for (listing, hash_len) in [(Listing::Nothing, 32), (Listing::Sha256Only, 64), (Listing::Sha256Only, 48)]
    {
        for scenario in both(|device| {
            device.quirks.listing = listing;
            device.hash_len = hash_len;
        }) {
            let file = Recipe { hash_len, ..Recipe::new((1, 1, 0), LENGTH, 11) }.make();
            let mut drive = start(&scenario, file, UpdateOptions::default());
            match drive.run(kit::BOUND_MS) {
                End::Done => assert_eq!(drive.session.result().unwrap()["outcome"], "unverified"),
                End::Failed(failure) => {
                    println!("{}: {}", failure.status.name(), failure.sentence);
                    let statuses = [Status::ImageUnsupported, Status::NotListed];
                    assert!(statuses.contains(&failure.status), "{}", failure.sentence);
                    assert_ne!(failure.finding, Finding::LateFirstFrame, "{}", failure.sentence);
                    let named = hash_len == 32 || failure.sentence.contains("SHA-");
                    assert!(named, "{}", failure.sentence);
                }
                End::Hung => panic!("hung"),
            }
            assert!(uploads(&drive) <= 1, "{} uploads", uploads(&drive));
            assert_eq!(drive.link.device().counters().written_running, 0);
        }
    }
}

/// An image that is not listed for whatever reason: no word of late frames without a sign of one.
#[test]
fn item_23_not_listed_is_not_blamed_on_late_frames_without_a_sign() {
    for scenario in both(|_| {}) {
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        drive.on_answer = kit::lists(|_, images| images.retain(|slot| kit::number(slot, "slot") == Some(0)));
        let failure = fails_as(&mut drive, &[Status::NotListed]);
        assert_ne!(failure.finding, Finding::LateFirstFrame, "{}", failure.sentence);
    }
}
