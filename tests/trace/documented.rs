//! docs/DIAGNOSIS.md holds the table of causes as the library has it; `SMPFOTA_BLESS=1` writes it anew.

use smpfota::Finding;
use smpfota::trace::symptom_and_evidence;

const BEGIN: &str = "<!-- the table of causes, written by tests/trace/documented.rs -->\n";
const END: &str = "<!-- end of the table -->\n";

fn table() -> String {
    let mut table = String::from(
        "| number | name | what it looks like | evidence | cause and next step |\n| --- | --- | --- | --- | --- |\n",
    );
    for finding in Finding::ALL.iter().filter(|finding| **finding != Finding::None) {
        let (symptom, evidence) = symptom_and_evidence(*finding);
        let advice = finding.advice();
        table +=
            &format!("| {} | `{}` | {symptom} | {evidence} | {advice} |\n", finding.number(), finding.name());
    }
    table
}

#[test]
fn the_document_holds_the_table() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/DIAGNOSIS.md");
    let text = std::fs::read_to_string(&path).expect("docs/DIAGNOSIS.md");
    let (before, rest) = text.split_once(BEGIN).expect("the mark before the table");
    let (held, after) = rest.split_once(END).expect("the mark behind the table");
    if std::env::var_os("SMPFOTA_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).expect("docs/DIAGNOSIS.md");
    } else {
        assert_eq!(held, table(), "run the test once with SMPFOTA_BLESS=1");
    }
}

#[test]
fn every_cause_is_described() {
    for finding in Finding::ALL.iter().filter(|finding| **finding != Finding::None) {
        let (symptom, evidence) = symptom_and_evidence(*finding);
        assert!(
            !symptom.is_empty() && !evidence.is_empty() && finding.advice().len() > 20,
            "{}",
            finding.name()
        );
    }
}
