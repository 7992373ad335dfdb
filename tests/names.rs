//! docs/NAMES.md has every name and number that a program may meet, as the tables of the library have them; `SMPFOTA_BLESS=1`
//! writes it anew.

use smpfota::firmware::SignatureKind;
use smpfota::{
    BootMode, Command, EventKind, Finding, LeftWith, Phase, Retry, Session, SessionOptions, Status, update,
};

const BEGIN: &str = "<!-- tables, written by tests/names.rs -->\n";

fn table(title: &str, head: &str, rows: impl IntoIterator<Item = String>) -> String {
    let columns = "| --- ".repeat(head.split(" | ").count());
    let rows: Vec<String> = rows.into_iter().map(|row| format!("| {row} |\n")).collect();
    format!("\n## {title}\n\n| {head} |\n{columns}|\n{}", rows.concat())
}

/// C# spells what C writes in capitals with underscores as one word.
fn csharp(name: &str) -> String {
    let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..].to_lowercase());
    words.collect()
}

/// The record of C# for an event; `SmpLinkEvent` is what a caller reports.
fn record(event: &str) -> String {
    match event {
        "link" => "SmpLinkReportEvent".into(),
        "smp_version" => "SmpVersionEvent".into(),
        event => format!("Smp{}Event", csharp(event)),
    }
}

fn tables() -> String {
    let mut text = table(
        "Events",
        "name | C# | value | what happened",
        EventKind::ALL
            .iter()
            .map(|(name, value, what)| format!("`{name}` | `{}` | {value} | {what}", record(name))),
    );
    text += &table(
        "Phases",
        "number | C | C#",
        Phase::ALL.iter().map(|phase| {
            let name = phase.name();
            format!("{} | `SMPFOTA_PHASE_{name}` | `UpdatePhase.{}`", *phase as u32, csharp(name))
        }),
    );
    text += &table(
        "Findings",
        "number | C | C# | cause and next step",
        Finding::ALL.iter().map(|finding| {
            let (number, name) = (finding.number(), finding.name());
            format!(
                "{number} | `SMPFOTA_FINDING_{name}` | `SmpFinding.{}` | {}",
                csharp(name),
                finding.advice()
            )
        }),
    );
    text += &table(
        "Statuses",
        "number | C | C# | again? | meaning",
        Status::ALL.iter().map(|status| {
            let (number, name, retry) = (status.number(), status.name(), status.retry());
            let again = if retry == Retry::None { "" } else { retry.name() };
            format!(
                "{number} | `SMPFOTA_{name}` | `SmpStatus.{}` | {again} | {}",
                csharp(name),
                status.text()
            )
        }),
    );
    text += &table(
        "What a failed update leaves",
        "number | in JSON | C#",
        LeftWith::ALL.iter().map(|left| {
            format!("{} | `{}` | `UpdateLeftWith.{}`", *left as u32, left.name(), csharp(left.name()))
        }),
    );
    text += &table(
        "Boot modes",
        "number | C | C#",
        BootMode::ALL.iter().map(|mode| {
            let name = mode.name();
            format!("{} | `SMPFOTA_BOOT_MODE_{name}` | `BootMode.{}`", *mode as u8, csharp(name))
        }),
    );
    text += &table(
        "Kinds of images on a device",
        "in JSON | C#",
        update::kind_names().iter().map(|name| format!("`{name}` | `DeviceImageKind.{}`", csharp(name))),
    );
    text += &table(
        "Signatures",
        "TLV type | C# | name",
        SignatureKind::NAMED.iter().map(|kind| {
            let member = match kind.tlv_type() {
                0x00 => "None",
                0x20 => "Rsa2048",
                0x21 => "EcdsaP224",
                0x22 => "Ecdsa",
                0x23 => "Rsa3072",
                0x24 => "Ed25519",
                other => panic!("C# has no name for {other:#04x}"),
            };
            format!("{:#04x} | `SignatureKind.{member}` | {}", kind.tlv_type(), kind.name())
        }),
    );
    text
}

#[test]
fn the_page_is_what_the_tables_give() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/NAMES.md");
    let text = std::fs::read_to_string(&path).expect("docs/NAMES.md");
    let (before, held) = text.split_once(BEGIN).expect("the mark before the tables");
    if std::env::var_os("SMPFOTA_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{}", tables())).expect("docs/NAMES.md");
    } else {
        assert!(
            held == tables(),
            "docs/NAMES.md is not what the tables give: run this test once with SMPFOTA_BLESS=1"
        );
    }
}

#[test]
fn every_event_says_what_its_value_is() {
    for kind in [EventKind::Phase(3), EventKind::Finding(1), EventKind::LinkReset] {
        let (name, value) = kind.parts();
        let row = EventKind::ALL.iter().find(|row| row.0 == name).expect("a row");
        assert_eq!(value.is_some(), !row.1.is_empty(), "{name}");
    }
    let mut names: Vec<&str> = EventKind::ALL.iter().map(|row| row.0).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), EventKind::ALL.len());
}

#[test]
fn a_failure_tells_its_finding_once_among_the_events() {
    let mut session = Session::open(SessionOptions::default()).expect("the defaults are fine");
    session
        .start_command(Command::new("image_list", &serde_json::json!({})).expect("a command"))
        .expect("nothing runs");
    let mut buffer = [0; 512];
    let (mut now, mut findings) = (0, Vec::new());
    for _ in 0..100 {
        let failed = session.next_frame(now, &mut buffer).err();
        while let Some(event) = session.next_event() {
            findings.extend(if let EventKind::Finding(number) = event.kind { Some(number) } else { None });
        }
        assert!(failed.is_none_or(|failure| failure.finding == Finding::NeverAnswered));
        now = session.deadline().unwrap_or(now);
    }
    assert_eq!(findings, [Finding::NeverAnswered.number()]);
}
