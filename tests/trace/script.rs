//! Conversations written down by hand, and the forms in which people have them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A frame with its time in milliseconds and its direction.
#[derive(Debug, Clone)]
pub struct Said {
    pub ms: u64,
    pub to_device: bool,
    pub bytes: Vec<u8>,
}

/// A conversation, with 100 ms between a request and its answer.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub said: Vec<Said>,
    now: u64,
}

pub fn head(major: u8, n: usize) -> Vec<u8> {
    match n {
        0..=23 => vec![major << 5 | n as u8],
        24..=0xff => vec![major << 5 | 24, n as u8],
        0x100..=0xffff => [&[major << 5 | 25][..], &(n as u16).to_be_bytes()].concat(),
        _ => [&[major << 5 | 26][..], &(n as u32).to_be_bytes()].concat(),
    }
}

pub fn number(n: usize) -> Vec<u8> {
    head(0, n)
}

pub fn bytes(content: &[u8]) -> Vec<u8> {
    [head(2, content.len()), content.to_vec()].concat()
}

pub fn text(content: &str) -> Vec<u8> {
    [head(3, content.len()), content.as_bytes().to_vec()].concat()
}

pub fn truth(value: bool) -> Vec<u8> {
    vec![if value { 0xf5 } else { 0xf4 }]
}

pub fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let content: Vec<u8> =
        entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [head(5, entries.len()), content].concat()
}

pub fn frame(op: u8, group: u16, command: u8, sequence: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![op, 0];
    frame.extend((body.len() as u16).to_be_bytes());
    frame.extend(group.to_be_bytes());
    frame.extend([sequence, command]);
    frame.extend(body);
    frame
}

pub const LEN: usize = 20_000;
pub const NEW: [u8; 32] = [0x11; 32];
pub const OLD: [u8; 32] = [0x22; 32];
pub const SHA: [u8; 32] = [0x5a; 32];

/// The start of an image, then bytes of which no few in a row are alike.
pub fn image(length: usize) -> Vec<u8> {
    let mut image = vec![0x3d, 0xb8, 0xf3, 0x96, 0, 0, 0, 0, 0, 2, 0, 0, 0xe8, 3, 0, 0];
    let mut state = 7u32;
    while image.len() < length {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        image.push((state >> 16) as u8);
    }
    image.truncate(length);
    image
}

pub fn first_with(sequence: u8, data: &[u8], more: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut entries =
        vec![("len", number(LEN)), ("off", number(0)), ("sha", bytes(&SHA)), ("data", bytes(data))];
    entries.retain(|(key, _)| more.iter().all(|(other, _)| other != key));
    entries.extend(more.iter().filter(|(_, value)| !value.is_empty()).cloned());
    frame(2, 1, 1, sequence, &map(&entries))
}

pub fn first(sequence: u8) -> Vec<u8> {
    first_with(sequence, &image(176), &[])
}

pub fn chunk(sequence: u8, off: usize, length: usize) -> Vec<u8> {
    frame(2, 1, 1, sequence, &map(&[("off", number(off)), ("data", bytes(&image(off + length)[off..]))]))
}

pub fn taken(sequence: u8, off: usize) -> Vec<u8> {
    frame(3, 1, 1, sequence, &[&b"\xbf\x62rc\x00\x63off"[..], &number(off), &[0xff]].concat())
}

pub fn listing(sequence: u8, slots: &[(&[u8], &str, &[&str])]) -> Vec<u8> {
    let entries: Vec<Vec<u8>> = slots
        .iter()
        .enumerate()
        .map(|(slot, (hash, version, flags))| {
            let is = |flag: &str| truth(flags.contains(&flag));
            map(&[
                ("slot", number(slot)),
                ("version", text(version)),
                ("hash", bytes(hash)),
                ("pending", is("pending")),
                ("confirmed", is("confirmed")),
                ("active", is("active")),
            ])
        })
        .collect();
    frame(1, 1, 0, sequence, &map(&[("images", [head(4, entries.len()), entries.concat()].concat())]))
}

impl Script {
    pub fn ask(&mut self, bytes: Vec<u8>) -> &mut Script {
        self.now += 20;
        self.said.push(Said { ms: self.now, to_device: true, bytes });
        self
    }

    pub fn hear(&mut self, bytes: Vec<u8>) -> &mut Script {
        self.now += 100;
        self.said.push(Said { ms: self.now, to_device: false, bytes });
        self
    }

    pub fn wait(&mut self, ms: u64) -> &mut Script {
        self.now += ms;
        self
    }

    /// Chunks of 200 bytes from `from` to `to`, each answered, with sequence numbers that follow the offset.
    pub fn upload(&mut self, from: usize, to: usize) -> &mut Script {
        let mut off = from;
        while off < to {
            let length = 200.min(to - off);
            let sequence = self.said.len() as u8;
            self.ask(chunk(sequence, off, length));
            self.hear(taken(sequence, off + length));
            off += length;
        }
        self
    }

    /// First chunk and its answer.
    pub fn begun(&mut self) -> &mut Script {
        let sequence = self.said.len() as u8;
        self.ask(first(sequence)).hear(taken(sequence, 176))
    }

    /// A whole upload.
    pub fn uploaded(&mut self) -> &mut Script {
        self.begun().upload(176, LEN)
    }

    pub fn listed(&mut self, slots: &[(&[u8], &str, &[&str])]) -> &mut Script {
        let sequence = self.said.len() as u8;
        self.ask(frame(0, 1, 0, sequence, &[0xa0])).hear(listing(sequence, slots))
    }

    pub fn marked(&mut self, hash: &[u8]) -> &mut Script {
        let sequence = self.said.len() as u8;
        self.ask(frame(2, 1, 0, sequence, &map(&[("hash", bytes(hash)), ("confirm", truth(false))])));
        let mut answer =
            listing(sequence, &[(&OLD, "1.0.0", &["active", "confirmed"]), (hash, "1.1.0", &["pending"])]);
        answer[0] = 3;
        self.hear(answer)
    }

    pub fn reset(&mut self) -> &mut Script {
        let sequence = self.said.len() as u8;
        self.ask(frame(2, 0, 5, sequence, &[0xa0])).hear(frame(3, 0, 5, sequence, &[0xa0]))
    }

    pub fn confirmed(&mut self) -> &mut Script {
        let sequence = self.said.len() as u8;
        self.ask(frame(2, 1, 0, sequence, &map(&[("confirm", truth(true))])));
        let mut answer =
            listing(sequence, &[(&NEW, "1.1.0", &["active", "confirmed"]), (&OLD, "1.0.0", &[])]);
        answer[0] = 3;
        self.hear(answer)
    }

    pub fn echo(&mut self, answered: bool) -> &mut Script {
        let sequence = self.said.len() as u8;
        self.ask(frame(2, 0, 0, sequence, &map(&[("d", text("hello"))])));
        if answered {
            self.hear(frame(3, 0, 0, sequence, &map(&[("r", text("hello"))])));
        }
        self
    }
}

// The forms.

pub fn hex(bytes: &[u8], between: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

fn clock(ms: u64) -> String {
    let ms = ms + 86_000_000;
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000 % 24, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

fn each(script: &Script, line: impl Fn(&Said) -> String) -> Vec<u8> {
    script.said.iter().map(|said| line(said) + "\n").collect::<String>().into_bytes()
}

pub fn plain_hex(script: &Script) -> Vec<u8> {
    each(script, |said| {
        let word = if said.to_device { "Sent" } else { "Received" };
        format!("{} {word} {} bytes: {}", clock(said.ms), said.bytes.len(), hex(&said.bytes, " "))
    })
}

pub fn dashes(script: &Script) -> Vec<u8> {
    each(script, |said| {
        let word = if said.to_device { "Writing" } else { "Notification received" };
        format!("I {} {word}, value: (0x) {}", clock(said.ms), hex(&said.bytes, "-").to_uppercase())
    })
}

pub fn groups_of_two(script: &Script) -> Vec<u8> {
    each(script, |said| {
        let arrow = if said.to_device { "->" } else { "<-" };
        let words: Vec<String> = said.bytes.chunks(2).map(|two| hex(two, "")).collect();
        format!(
            "[{}] {arrow} [Seq: {}] {} ({} bytes)",
            clock(said.ms),
            said.bytes[6],
            words.join(" "),
            said.bytes.len()
        )
    })
}

pub fn method_json(script: &Script) -> Vec<u8> {
    let mut out = String::from("[\n");
    for said in &script.said {
        let (name, key) = if said.to_device { ("invoke", "writes") } else { ("result", "notifications") };
        let frame = STANDARD.encode(&said.bytes);
        out += &format!(
            "  {{ \"at\": \"2026-03-01T{}Z\", \"{name}\": {{ \"status\": 200,\n    \"payload\": \"{{\\\"{key}\\\":[\\\"{}\\\"]}}\" }} }},\n",
            clock(said.ms),
            frame.replace('/', "\\/")
        );
    }
    (out + "]\n").into_bytes()
}

pub fn numbers(script: &Script) -> Vec<u8> {
    each(script, |said| {
        let signed: Vec<String> = said.bytes.iter().map(|byte| (*byte as i8).to_string()).collect();
        let word = if said.to_device { "write" } else { "characteristic changed:" };
        format!("03-01 {}  1234  1234 D {word} {}", clock(said.ms), signed.join(","))
    })
}

pub fn python(script: &Script) -> Vec<u8> {
    each(script, |said| {
        let body: String = said
            .bytes
            .iter()
            .map(|byte| match byte {
                b'\\' => "\\\\".to_owned(),
                b'\'' => "\\'".to_owned(),
                b'\n' => "\\n".to_owned(),
                b'\t' => "\\t".to_owned(),
                b'\r' => "\\r".to_owned(),
                0x20..0x7f => char::from(*byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            })
            .collect();
        let (word, dress) = if said.to_device {
            ("tx", format!("b'{body}'"))
        } else {
            ("rx", format!("bytearray(b'{body}')"))
        };
        format!("{} DEBUG {word} {dress}", clock(said.ms))
    })
}

pub fn dump(script: &Script) -> Vec<u8> {
    each(script, |said| {
        let mut out =
            format!("{} {}", clock(said.ms), if said.to_device { "Tx request" } else { "Rx response" });
        for (row, sixteen) in said.bytes.chunks(16).enumerate() {
            let halves: Vec<String> = sixteen.chunks(8).map(|half| hex(half, " ")).collect();
            let shown: String = sixteen
                .iter()
                .map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' })
                .collect();
            out += &format!("\n{:08x}  {:<49} |{shown}|", row * 16, halves.join("  "));
        }
        out
    })
}

pub fn rows(script: &Script) -> Vec<u8> {
    each(script, |said| {
        let mut out =
            format!("[{}] <dbg> {}", clock(said.ms), if said.to_device { "sent:" } else { "received:" });
        for sixteen in said.bytes.chunks(16) {
            out += &format!("\n    {}", hex(sixteen, " "));
        }
        out
    })
}

pub fn console(script: &Script) -> Vec<u8> {
    let mut out = Vec::new();
    for said in &script.said {
        smpfota::smp::console::encode(&said.bytes, &mut out);
        out.extend(format!("[{}] <inf> app: something else\r\n", clock(said.ms)).into_bytes());
    }
    out
}

pub fn recording(script: &Script) -> Vec<u8> {
    let mut out = b"smpfota trace 1\n".to_vec();
    out.extend(each(script, |said| {
        let arrow = if said.to_device { ">" } else { "<" };
        format!(
            "{}.{:03} {arrow} {} {}",
            said.ms / 1000,
            said.ms % 1000,
            said.bytes.len(),
            hex(&said.bytes, "")
        )
    }));
    out
}

pub fn binary(script: &Script) -> Vec<u8> {
    script.said.iter().flat_map(|said| said.bytes.clone()).collect()
}

/// A phone that logs each frame as bytes, decoded, and as the call or notification it was.
pub fn phone(script: &Script) -> Vec<u8> {
    each(script, |said| {
        let b = &said.bytes;
        let header = format!(
            "Header (Version: {}, Op: {}, Flags: 0, Len: {}, Group: {}, Seq: {}, Command: {}) CBOR {{}}",
            b[0] >> 3,
            b[0] & 7,
            u16::from_be_bytes([b[2], b[3]]),
            u16::from_be_bytes([b[4], b[5]]),
            b[6],
            b[7]
        );
        let at = clock(said.ms);
        let hex = hex(b, "-").to_uppercase();
        match said.to_device {
            true => format!(
                "{at} D gatt.setValue(0x{})\n{at} I Sending ({} bytes) {header}\n{at} I Data written to da2e7828-fbce-4e01-ae9e-261174997c48",
                hex.replace('-', ""),
                b.len()
            ),
            false => format!(
                "{at} I Notification received from da2e7828-fbce-4e01-ae9e-261174997c48, value: (0x) {hex}\n{at} D characteristic \
                 changed: {}\n{at} I Received {header}",
                b.iter().map(|byte| (*byte as i8).to_string()).collect::<Vec<_>>().join(",")
            ),
        }
    })
}

/// Each frame in GATT writes of 20 bytes, a line a piece.
pub fn fragments(script: &Script) -> Vec<u8> {
    each(script, |said| {
        let arrow = if said.to_device { "->" } else { "<-" };
        let lines: Vec<String> = said
            .bytes
            .chunks(20)
            .map(|piece| format!("[{}] {arrow} 0x{}", clock(said.ms), hex(piece, "")))
            .collect();
        lines.join("\n")
    })
}

pub fn utf16(script: &Script) -> Vec<u8> {
    let text = String::from_utf8(plain_hex(script)).expect("text").replace('\n', "\r\n");
    [&[0xff, 0xfe][..], &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat()
}

/// Every form that holds bytes and directions.
pub type Form = (&'static str, fn(&Script) -> Vec<u8>);

pub const FORMS: &[Form] = &[
    ("hexadecimal in a log", plain_hex),
    ("hexadecimal with dashes", dashes),
    ("groups of two bytes", groups_of_two),
    ("JSON of method calls", method_json),
    ("lists of signed numbers", numbers),
    ("byte strings of Python", python),
    ("hexdump -C", dump),
    ("rows of 16", rows),
    ("console lines", console),
    ("recording", recording),
    ("frames as they are", binary),
    ("a phone that says everything three times", phone),
    ("pieces of 20 bytes", fragments),
    ("UTF-16", utf16),
];
