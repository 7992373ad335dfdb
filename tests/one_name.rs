//! One name for one thing: what results and failures hold is called alike in Rust, in the JSON of the C interface and in C#.

#[path = "support/drive.rs"]
mod drive;
#[path = "update/kit.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod kit;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use smpfota::simulator::{BootMode, DeviceProfile, FieldDevice};
use smpfota::{LeftWith, Phase, Retry, Status, UpdateOptions};

fn source(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

fn csharp(path: &str) -> String {
    source(&format!("bindings/dotnet/SmpFota/{path}.cs"))
}

/// The public properties of a C# type.
fn properties(text: &str) -> BTreeSet<String> {
    let lines =
        text.lines().map(str::trim).filter(|line| line.starts_with("public ") && line.contains(" { get;"));
    let computed =
        text.lines().map(str::trim).filter(|line| line.starts_with("public ") && line.contains(" => "));
    let name = |line: &str| {
        line.split([' ', '(']).take_while(|word| *word != "{" && *word != "=>").last().map(str::to_owned)
    };
    lines.chain(computed).filter_map(name).collect()
}

/// `frames_sent` is `FramesSent`; a time of C# has its unit in its type.
fn pascal(key: &str) -> String {
    let key = key.strip_suffix("_ms").unwrap_or(key);
    key.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// Every key of the object is read by the type and has the property of its name, or the one that C# has by its customs.
fn read_by(json: &Value, text: &str, customs: &[(&str, &str)]) {
    let properties = properties(text);
    for key in json.as_object().expect("an object").keys() {
        let name = match customs.iter().find(|(custom, _)| custom == key) {
            // Told in another way, or by the type itself.
            Some((_, "")) => continue,
            Some((_, name)) => (*name).to_owned(),
            None => pascal(key),
        };
        assert!(properties.contains(&name), "{key} should be {name}; there are {properties:?}");
        let reader = |name: &str| text.contains(&format!("Smp{name}.Read(root"));
        let is_read = text.contains(&format!("\"{key}\"")) || reader(&name) || key == "retry";
        assert!(is_read, "{key} is not read");
    }
}

fn result() -> Value {
    kit::succeeds(&mut kit::start(&kit::scenario(DeviceProfile::Zephyr44), UpdateOptions::default()))
}

fn failure() -> Value {
    let mut drive = kit::start(&kit::scenario(DeviceProfile::Zephyr44), UpdateOptions::default());
    drive.on_request = Some(Box::new(|_, frame| {
        if kit::kind(frame) != kit::Kind::Upload {
            return drive::Passage::Through;
        }
        kit::rc(frame, 11)
    }));
    kit::fails(&mut drive, Status::AccessDenied, &[]);
    drive.session.failure_json().expect("a failure")
}

fn plan() -> Value {
    let scenario =
        kit::scenario(DeviceProfile::Zephyr44).device(|device| device.boot_mode = BootMode::DirectXip);
    let old = UpdateOptions { check_only: true, ignore_version: true, ..UpdateOptions::default() };
    kit::succeeds(&mut kit::start_with(&scenario, kit::file((0, 9, 0), 1), old))
}

#[test]
fn counts_have_one_name_in_rust_json_and_csharp() {
    let rust = source("src/session/counts.rs");
    let rust = &rust[rust.find("pub struct Counts {").unwrap()..rust.find("impl Counts").unwrap()];
    let fields: BTreeSet<&str> = rust
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'))
        .map(|(name, _)| name)
        .collect();
    let text = csharp("Results/SmpCounts");
    for counts in [&result()["counts"], &failure()["counts"], &plan()["counts"]] {
        let keys: BTreeSet<&str> = counts.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, fields);
        read_by(counts, &text, &[]);
        for (phase, ms) in counts["phases"].as_object().unwrap() {
            assert!(Phase::ALL.iter().any(|known| known.name().eq_ignore_ascii_case(phase)), "{phase}");
            assert!(ms.is_u64(), "{phase}");
        }
        assert!(counts["phases"]["discover"].is_u64(), "{counts}");
    }
}

#[test]
fn results_failures_and_plans_have_one_name_in_json_and_csharp() {
    let times = [
        ("operation", ""),
        ("upload_ms", "UploadTime"),
        ("swap_ms", "SwapTime"),
        ("confirmed", "IsConfirmed"),
    ];
    read_by(&result(), &csharp("Results/UpdateResult"), &times);
    read_by(&result()["images"][0], &csharp("Results/UpdatedImage"), &times);
    // The name of a status and the number of a finding are one enumeration each, the sentence is the exception's message, and the device's
    // error is told by the library's own calls.
    let of_exceptions = [
        ("name", ""),
        ("finding_number", ""),
        ("sentence", ""),
        ("device", ""),
        ("status", ""),
        ("finding", ""),
    ];
    let exceptions = csharp("Errors/SmpException") + &csharp("Errors/SmpFailure");
    read_by(&failure(), &exceptions, &of_exceptions);
    let plan = plan();
    read_by(&plan, &csharp("Results/UpdatePlan"), &[("operation", ""), ("outcome", "")]);
    read_by(&plan["images"][0], &csharp("Results/PlannedImage"), &[("erase_first", "ErasesFirst")]);
    read_by(&plan["images"][0]["against"][0], &csharp("Results/PlannedObjection"), &[("name", "")]);
}

#[test]
fn words_of_json_are_members_of_csharp() {
    let has = |file: &str, words: &mut dyn Iterator<Item = (&'static str, u32)>| {
        let text = csharp(file);
        for (word, number) in words {
            let member = format!("{} = {number},", pascal(word));
            assert!(text.contains(&member), "{file} lacks {member}");
        }
    };
    has("Errors/UpdateLeftWith", &mut LeftWith::ALL.iter().map(|left| (left.name(), *left as u32)));
    let retries = [Retry::None, Retry::AtOnce, Retry::Later, Retry::Never];
    has("Errors/SmpRetry", &mut retries.iter().map(|retry| (retry.name(), retry.number())));
    let text = csharp("Sessions/UpdatePhase");
    for phase in Phase::ALL {
        let member = format!("{} = {},", pascal(&phase.name().to_lowercase()), phase as u32);
        assert!(text.contains(&member), "{member}");
    }
}

#[test]
fn a_mark_that_stays_is_no_old_image_alone() {
    let device = FieldDevice::from_name("never-swaps").unwrap();
    kit::each(|scenario| {
        let scenario = scenario.device(|options| device.apply(options));
        let mut drive = kit::start(&scenario, UpdateOptions::default());
        kit::fails(&mut drive, Status::NotSwapped, &["stays marked"]);
        assert_eq!(drive.session.left_with(), LeftWith::NewImagePending);
        assert!(
            kit::slots(&mut drive).iter().any(|slot| slot.contains("1.1.0 P")),
            "{:?}",
            kit::slots(&mut drive)
        );
    });
}
