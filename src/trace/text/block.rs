//! Bodies over several lines: indented JSON, and YAML, as programs that decode messages show them.

use super::front::behind_common;

/// Longer blocks are no body of a message.
const MOST_LINES: usize = 400;
const MOST_BYTES: usize = 32 * 1024;

/// The fields of messages that a log shows by their names; a block with another key is no body of one.
const KEYS: [&str; 38] = [
    "active",
    "app_data",
    "bootable",
    "buf_count",
    "buf_size",
    "confirm",
    "confirmed",
    "compressed",
    "d",
    "data",
    "digest",
    "err",
    "file",
    "group",
    "hash",
    "image",
    "images",
    "len",
    "match",
    "max_image_size",
    "name",
    "off",
    "output",
    "pending",
    "permanent",
    "r",
    "rc",
    "ret",
    "rsn",
    "sha",
    "size",
    "slot",
    "slots",
    "splitStatus",
    "type",
    "upgrade",
    "upload_image_id",
    "version",
];

/// Gathers the lines of one body.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The body so far, in one line.
    text: String,
    /// What stood in front of it: who speaks.
    heading: String,
    /// The last line that is none of a body, as it stands.
    front: String,
    /// How many braces and brackets of JSON are open; 0 in YAML.
    open: usize,
    lines: usize,
    /// One of its lines was understood by itself.
    understood: bool,
}

/// A body that is whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body {
    /// The line, or the part of one, in front of it.
    pub(super) heading: String,
    /// The body in one line, as JSON; of YAML only its keys and plain values.
    pub(super) text: String,
}

impl Block {
    /// Takes a line, which was understood by itself or not; the body that ends with it, or that ended before it.
    pub(super) fn add(&mut self, line: &str, understood: bool) -> Option<Body> {
        if self.open > 0 {
            return self.add_json(line, understood);
        }
        // A logger may write the time and the name of the program in front of each line.
        let rests = [line, behind_common(&self.front, line)];
        if let Some((line, (key, value))) = rests.into_iter().find_map(|rest| Some((rest, pair(rest)?))) {
            let ended = (self.lines > 0 && starts_anew(&self.text, line, key)).then(|| self.take()).flatten();
            self.understood |= understood;
            self.text +=
                &format!("{}\"{key}\":{}", if self.text.is_empty() { "{" } else { "," }, scalar(value));
            self.lines += 1;
            self.bounded();
            return ended;
        }
        // A list of numbers or a folded text under a key.
        if self.lines > 0 && line.trim_start().starts_with("- ") {
            return None;
        }
        let ended = self.take();
        self.heading = line.trim().chars().take(200).collect();
        self.front = line.chars().take(200).collect();
        if let Some(at) = line.find('{').filter(|_| depth(line) > 0) {
            self.heading = line[..at].trim().to_owned();
            self.open = depth(line);
            self.text = line[at..].trim().to_owned();
            self.understood = understood;
            self.lines = 1;
        }
        ended
    }

    /// No more lines come.
    pub(super) fn take(&mut self) -> Option<Body> {
        let front = std::mem::take(&mut self.front);
        let block = std::mem::replace(self, Block { front, ..Block::default() });
        let whole = block.lines > 0 && !block.understood && block.open == 0;
        whole.then(|| Body { heading: block.heading, text: block.text + "}" })
    }

    fn add_json(&mut self, line: &str, understood: bool) -> Option<Body> {
        self.understood |= understood;
        self.lines += 1;
        self.text += line.trim();
        let opened = line.matches(['{', '[']).count();
        let closed = line.matches(['}', ']']).count();
        self.open = (self.open + opened).saturating_sub(closed);
        self.bounded();
        if self.open > 0 || self.lines == 0 {
            return None;
        }
        self.text.pop();
        self.take()
    }

    fn bounded(&mut self) {
        if self.lines > MOST_LINES || self.text.len() > MOST_BYTES {
            *self = Block::default();
        }
    }
}

/// How many braces and brackets a line leaves open.
fn depth(line: &str) -> usize {
    line.matches(['{', '[']).count().saturating_sub(line.matches(['}', ']']).count())
}

/// A line of YAML with a key that messages have; a list's dash may stand in front.
fn pair(line: &str) -> Option<(&str, &str)> {
    let plain = line.trim_start();
    let plain = plain.strip_prefix("- ").unwrap_or(plain).trim_start();
    let (key, value) = plain.split_once(':')?;
    let key = key.trim_matches(['"', '\'']);
    let is_value = value.is_empty() || value.starts_with(' ');
    (is_value && KEYS.contains(&key)).then(|| (key, value.trim()))
}

/// Whether a second message begins without a line between: a key of the first level comes again.
fn starts_anew(text: &str, line: &str, key: &str) -> bool {
    !line.starts_with([' ', '-', '\t']) && text.contains(&format!("\"{key}\":"))
}

/// A plain value as JSON has it; what opens a list or a mapping, and what is no number or word of JSON, becomes a text.
fn scalar(value: &str) -> String {
    let plain = value.trim_matches(['"', '\'']);
    if plain == value && (value.parse::<u64>().is_ok() || matches!(value, "true" | "false" | "null")) {
        return value.to_owned();
    }
    format!("\"{}\"", plain.replace(['"', '\\', '{', '}'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(text: &str) -> Vec<Body> {
        let mut block = Block::default();
        let mut found: Vec<Body> = text.lines().filter_map(|line| block.add(line, false)).collect();
        found.extend(block.take());
        found
    }

    #[test]
    fn indented_json_becomes_one_line() {
        let found = bodies(
            "Sent: {\n    \"off\": 0,\n    \"len\": 100\n}\nReceived:\n{\n  \"images\": [\n {\n \"slot\": 0 } ]\n}\n",
        );
        assert_eq!(found[0], Body { heading: "Sent:".into(), text: "{\"off\": 0,\"len\": 100}".into() });
        assert_eq!(found[1].text, "{\"images\": [{\"slot\": 0 } ]}");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn yaml_with_the_keys_of_messages_is_a_body() {
        let found = bodies(
            "off: 160\nrc: 0\n---\nimages:\n  - slot: 0\n    version: 1.0.0\n    active: true\nhello: you\n",
        );
        assert_eq!(found[0].text, "{\"off\":160,\"rc\":0}");
        assert_eq!(found[1].text, "{\"images\":\"\",\"slot\":0,\"version\":\"1.0.0\",\"active\":true}");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_key_that_comes_again_begins_the_next_message() {
        let found = bodies("off: 160\noff: 320\n");
        assert_eq!(
            found.iter().map(|body| &body.text[..]).collect::<Vec<_>>(),
            ["{\"off\":160}", "{\"off\":320}"]
        );
    }

    #[test]
    fn other_text_is_no_body() {
        assert!(bodies("name of it: x\nhello { world\nlevel: 3\n").is_empty());
    }

    #[test]
    fn what_never_ends_is_left() {
        assert!(bodies(&format!("{{\n{}", "\"a\": 1,\n".repeat(2_000))).is_empty());
    }
}
