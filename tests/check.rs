//! A look before the first byte, on every device of the zoo and of the soak: it writes nothing, and the update does what it said.

#[path = "support/soak/mod.rs"]
mod soak;

use smpfota::UpdateMode;
use smpfota::simulator::{DeviceProfile, FieldDevice};
use soak::checked::{Ends, of_the_zoo, quiet, run};
use soak::plan::Plan;

fn agree(plans: impl Iterator<Item = (String, Plan)>) -> Ends {
    let mut buffer = vec![0; 65_536];
    let mut ends = Ends::default();
    let mut wrong = Vec::new();
    for (name, plan) in plans {
        if let Err(why) = run(&plan, &mut buffer, &mut ends) {
            wrong.push(format!(
                "{name}, {:?}, {:?}: {why:.1200}",
                plan.update.mode, plan.scenario.device.boot_mode
            ));
        }
    }
    println!("{ends:#?}");
    assert!(wrong.is_empty(), "{} disagree:\n{}", wrong.len(), wrong[..wrong.len().min(8)].join("\n"));
    ends
}

fn drawn(field: f64) -> impl Iterator<Item = (String, Plan)> {
    (1..=2_000).map(move |seed| {
        let plan = quiet(seed, field);
        (format!("seed {seed}, {}", plan.kind()), plan)
    })
}

#[test]
fn two_thousand_devices_do_what_their_plan_says() {
    let ends = agree(drawn(0.0));
    assert!(ends["check done, update done"] > 1_500, "{ends:?}");
}

#[test]
fn two_thousand_devices_of_the_field_do_what_their_plan_says() {
    let ends = agree(drawn(1.0));
    assert!(ends["check done, update done"] > 1_000, "{ends:?}");
}

#[test]
fn every_device_of_the_zoo_does_what_its_plan_says() {
    let modes =
        [UpdateMode::TestAndConfirm, UpdateMode::TestOnly, UpdateMode::ConfirmAtOnce, UpdateMode::UploadOnly];
    agree(FieldDevice::ALL.iter().flat_map(|device| {
        let plans = DeviceProfile::ALL.iter().flat_map(move |profile| {
            modes.map(|mode| {
                (format!("{}, {}", device.name, profile.name()), of_the_zoo(*device, *profile, mode))
            })
        });
        // Only servers of Zephyr 4.3 misjudge their slots.
        let plans = plans.filter(|(_, plan)| {
            let device = &plan.scenario.device;
            !device.quirks.misjudges_slots || device.profile == DeviceProfile::Zephyr44
        });
        plans.chain(modes.map(|mode| {
            let mut plan = of_the_zoo(*device, DeviceProfile::Zephyr44, mode);
            (plan.update.erase_first, plan.update.enter_loader) = (true, true);
            (format!("{}, erased first", device.name), plan)
        }))
    }));
}
