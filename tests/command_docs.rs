//! docs/COMMANDS.md says of each command what the table says, and of no other.

use std::collections::BTreeMap;

use serde_json::Value;
use smpfota::Command;

fn rows() -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/COMMANDS.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')).expect("a whole row");
        cells.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    });
    rows.filter(|row| row.len() == 6).map(|row| (row[0].trim_matches('`').to_owned(), row)).collect()
}

#[test]
fn the_list_of_commands_is_that_of_the_table() {
    let rows = rows();
    let documented: Vec<&str> = rows.keys().map(String::as_str).collect();
    let mut names: Vec<&str> = Command::names().collect();
    names.sort_unstable();
    assert_eq!(documented, names);
    for (name, row) in &rows {
        let command = Command::describe(name).unwrap();
        assert_eq!(row[1], format!("{}, {}", command["group"], command["command"]), "{name}");
        let op = if command["op"] == 0 { "read" } else { "write" };
        assert!(row[2].starts_with(op), "{name}: {}", row[2]);
        for argument in command["arguments"].as_array().unwrap() {
            for spelling in argument["names"].as_array().unwrap() {
                let spelling = format!("`{}`", spelling.as_str().unwrap());
                assert!(row[3].contains(&spelling), "{name} does not say {spelling}");
            }
            if argument["required"] == false {
                assert!(row[3].contains("optional"), "{name} does not say what is optional");
            }
        }
        if command["arguments"] == Value::Array(Vec::new()) {
            assert_eq!(row[3], "", "{name}");
        }
        if !row[5].contains("below") {
            let wait = format!("{} s", command["floor_ms"].as_u64().unwrap() / 1_000);
            let once = if command["repeatable"] == false { ", once" } else { "" };
            assert_eq!(row[5], wait + once, "{name}");
        }
    }
}
