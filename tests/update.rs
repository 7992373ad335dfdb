//! The whole update of one device, in virtual time.

#[path = "support/drive.rs"]
mod drive;

use drive::{Drive, End};
use smpfota::simulator::{DeviceProfile, LinkKind, Scenario};
use smpfota::{SessionOptions, UpdateOptions};

#[test]
fn a_device_of_either_profile_is_updated_and_confirmed() {
    for profile in DeviceProfile::ALL {
        let scenario = Scenario::new(LinkKind::None).profile(*profile);
        let mut drive = Drive::update(&scenario, SessionOptions::default(), UpdateOptions::default());
        assert_eq!(drive.run(3_600_000), End::Done, "{}", profile.name());
        assert_eq!(drive.link.device_mut().running(), Some((1, 1, 0).into()));
        println!("{:#}", drive.session.result().expect("a result"));
        println!("{:?}", drive.session.progress(0));
        println!("{} s", drive.now_us / 1_000_000);
    }
}
