//! Commands from JSON arguments, and their requests.

use serde_json::{Value, json};
use smpfota::{Command, Next, Session, SessionOptions};

use super::super::bytes::Bytes;

/// The names of all commands.
pub fn names() -> Vec<&'static str> {
    Command::names().collect()
}

/// Arguments that the command takes: whatever it needs, and no more.
pub fn example(name: &str) -> Value {
    let described = Command::describe(name).expect("a command");
    let mut arguments = serde_json::Map::new();
    for argument in described["arguments"].as_array().expect("a list") {
        if argument["required"] == true {
            let spelling = argument["names"][0].as_str().expect("a name");
            let takes = argument["takes"].as_str().expect("a text");
            arguments.insert(spelling.to_owned(), value_for(takes));
        }
    }
    Value::Object(arguments)
}

fn value_for(takes: &str) -> Value {
    let number = |text: &str| text.split(' ').find_map(|word| word.parse::<u64>().ok()).unwrap_or(0);
    match takes {
        _ if takes.starts_with("a text") => json!("text"),
        _ if takes.starts_with("one of") => json!(takes.split('"').nth(1).expect("a text")),
        _ if takes.starts_with("a date") => json!("2026-01-31T23:59:58"),
        _ if takes.starts_with("a whole number") => json!(number(takes)),
        _ if takes.starts_with("true") => json!(true),
        _ if takes.starts_with("an image hash") => json!("11".repeat(32)),
        _ if takes.contains("whole numbers") => json!([1]),
        _ if takes.starts_with("a list") => json!(["text"]),
        _ => json!("00ff00ff"),
    }
}

/// A command from bytes: its number, the length of the arguments, the arguments.
pub fn command(bytes: &mut Bytes<'_>) -> Option<Command> {
    let names = names();
    let name = bytes.pick(&names);
    let length = usize::from(bytes.byte());
    let arguments = bytes.take(length);
    let arguments =
        if arguments.is_empty() { example(name) } else { serde_json::from_slice(arguments).ok()? };
    Command::new(name, &arguments).ok()
}

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let names = names();
    let name = bytes.pick(&names);
    let Ok(arguments) = serde_json::from_slice(bytes.0) else { return };
    match Command::new(name, &arguments) {
        Ok(command) => {
            assert_eq!(command.name(), name);
            let options = SessionOptions { max_write: 1_024, ..SessionOptions::default() };
            let mut session = Session::open(options).expect("valid options");
            session.start_command(command).expect("nothing runs");
            let mut buffer = [0; 1_024];
            if let Ok(Next::Write(length)) = session.next_frame(0, &mut buffer) {
                assert!(smpfota::smp::cbor::is_exact_map(&buffer[8..length]), "{name} {arguments}");
            }
        }
        Err(failure) => assert!(failure.status.number() < 0 && failure.sentence.len() < 4_000, "{failure:?}"),
    }
}
