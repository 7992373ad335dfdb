//! The dresses that languages, tools and web pages give to bytes: each holds them all, and who said them.

use super::script::{Form, Said, Script, hex};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn clock(ms: u64) -> String {
    format!("12:{:02}:{:02}.{:03}", ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

fn word(said: &Said) -> &'static str {
    if said.to_device { "sent" } else { "received" }
}

/// A line with its time and the word for its direction for each frame.
fn each(script: &Script, dress: impl Fn(&[u8]) -> String) -> Vec<u8> {
    let line = |said: &Said| format!("{} {} {}\n", clock(said.ms), word(said), dress(&said.bytes));
    script.said.iter().map(line).collect::<String>().into_bytes()
}

fn joined(bytes: &[u8], between: &str, one: impl Fn(u8) -> String) -> String {
    bytes.iter().map(|byte| one(*byte)).collect::<Vec<_>>().join(between)
}

fn decimal(bytes: &[u8], between: &str) -> String {
    joined(bytes, between, |byte| byte.to_string())
}

/// Rows of `length` bytes, each with its number.
fn in_rows(bytes: &[u8], length: usize, row: impl Fn(usize, &[u8]) -> String) -> String {
    bytes.chunks(length).enumerate().map(|(n, part)| row(n * length, part)).collect::<Vec<_>>().join("\n")
}

fn shown(bytes: &[u8]) -> String {
    let one = |byte: &u8| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' };
    bytes.iter().map(one).collect()
}

/// `fmt.Println(bytes)` of Go, PowerShell's "$bytes".
fn go_values(script: &Script) -> Vec<u8> {
    each(script, |bytes| format!("[{}]", decimal(bytes, " ")))
}

/// `%#v` of Go.
fn go_syntax(script: &Script) -> Vec<u8> {
    each(script, |bytes| format!("[]byte{{{}}}", joined(bytes, ", ", |byte| format!("{byte:#x}"))))
}

/// `%q` of Go.
fn go_quoted(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        let one = |byte: u8| match byte {
            7 => "\\a".into(),
            8 => "\\b".into(),
            12 => "\\f".into(),
            b'\n' => "\\n".into(),
            b'\r' => "\\r".into(),
            b'\t' => "\\t".into(),
            11 => "\\v".into(),
            b'"' => "\\\"".into(),
            b'\\' => "\\\\".into(),
            0x20..0x7f => char::from(byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        };
        format!("\"{}\"", joined(bytes, "", one))
    })
}

/// `{:x?}` and `{:02x?}` of Rust.
fn rust_hex(script: &Script) -> Vec<u8> {
    each(script, |bytes| format!("{bytes:x?}"))
}

fn rust_hex_padded(script: &Script) -> Vec<u8> {
    each(script, |bytes| format!("{bytes:02x?}"))
}

fn rust_escaped(script: &Script) -> Vec<u8> {
    each(script, |bytes| format!("b\"{}\"", bytes.escape_ascii()))
}

/// One number a line, as `{:#?}` of Rust and indented JSON have it.
fn a_number_a_line(script: &Script) -> Vec<u8> {
    each(script, |bytes| format!("[\n{}\n]", joined(bytes, ",\n", |byte| format!("    {byte}"))))
}

/// What a JSON printer makes of a method call that holds a list of numbers.
fn method_numbers(script: &Script) -> Vec<u8> {
    let mut out = String::from("[\n");
    for said in &script.said {
        let key = if said.to_device { "write" } else { "notification" };
        let list = joined(&said.bytes, ",\n", |byte| format!("        {byte}"));
        out += &format!("  {{\n    \"payload\": {{\n      \"{key}\": [\n{list}\n      ]\n    }}\n  }},\n");
    }
    (out + "]\n").into_bytes()
}

/// `console.log` of a typed array, rows of twelve.
fn typed_array(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        let row = |_: usize, part: &[u8]| format!("    {},", joined(part, ", ", |byte| format!("{byte:3}")));
        let rows = in_rows(bytes, 12, row);
        format!("Uint8Array({}) [\n{}\n]", bytes.len(), rows.trim_end_matches(','))
    })
}

fn node_json(script: &Script) -> Vec<u8> {
    each(script, |bytes| format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", decimal(bytes, ",")))
}

/// A JSON string whose characters are the bytes.
fn json_characters(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        let one = |byte: u8| match byte {
            8 => "\\b".into(),
            12 => "\\f".into(),
            b'\n' => "\\n".into(),
            b'\r' => "\\r".into(),
            b'\t' => "\\t".into(),
            b'"' => "\\\"".into(),
            b'\\' => "\\\\".into(),
            0x20..0x7f => char::from(byte).to_string(),
            _ => format!("\\u{byte:04x}"),
        };
        format!("{{\"payload\": \"{}\"}}", joined(bytes, "", one))
    })
}

fn percent(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        let one = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        format!("payload={}", joined(bytes, "", one))
    })
}

/// The system calls of a socket: octal escapes, as short as what follows them allows.
fn system_calls(script: &Script) -> Vec<u8> {
    let mut out = String::new();
    for said in &script.said {
        let b = &said.bytes;
        let mut text = String::new();
        for (at, byte) in b.iter().enumerate() {
            text += &match byte {
                b'\t' => "\\t".to_owned(),
                b'\n' => "\\n".to_owned(),
                11 => "\\v".to_owned(),
                12 => "\\f".to_owned(),
                b'\r' => "\\r".to_owned(),
                b'"' => "\\\"".to_owned(),
                b'\\' => "\\\\".to_owned(),
                0x20..0x7f => char::from(*byte).to_string(),
                _ if b.get(at + 1).is_some_and(u8::is_ascii_digit) => format!("\\{byte:03o}"),
                _ => format!("\\{byte:o}"),
            };
        }
        let call = if said.to_device { "sendto" } else { "recvfrom" };
        out +=
            &format!("{} {call}(3, \"{text}\", {}, 0, NULL, NULL) = {}\n", clock(said.ms), b.len(), b.len());
    }
    out.into_bytes()
}

/// A logger of a microcontroller: milliseconds in parentheses, addresses in front of the rows.
fn addresses(script: &Script) -> Vec<u8> {
    let mut out = String::new();
    for said in &script.said {
        let row = |at: usize, part: &[u8]| {
            let halves: Vec<String> = part.chunks(8).map(|half| hex(half, " ")).collect();
            format!(
                "I ({}) smp: 0x{:08x}   {:<49} |{}|",
                said.ms,
                0x3ffb_1230 + at,
                halves.join("  "),
                shown(part)
            )
        };
        out += &format!("I ({}) smp: {}\n{}\n", said.ms, word(said), in_rows(&said.bytes, 16, row));
    }
    out.into_bytes()
}

/// The same logger, rows of 16 without addresses, the name of the program in front of each.
fn tagged_rows(script: &Script) -> Vec<u8> {
    let mut out = String::new();
    for said in &script.said {
        let row = |_: usize, part: &[u8]| format!("I ({}) smp: {}", said.ms, hex(part, " "));
        out += &format!("I ({}) smp: {}\n{}\n", said.ms, word(said), in_rows(&said.bytes, 16, row));
    }
    out.into_bytes()
}

/// Rows with their characters behind a bar, deep under a heading.
fn zephyr_dump(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        let row = |_: usize, part: &[u8]| {
            let halves: Vec<String> = part.chunks(8).map(|half| hex(half, " ")).collect();
            format!("{:38}{:<49} |{:<17}", "", halves.join("  "), shown(part))
        };
        format!("<dbg> smp: frame\n{}", in_rows(bytes, 16, row))
    })
}

/// A dump of which each row has the time and the name of the program in front.
fn prefixed_dump(script: &Script) -> Vec<u8> {
    let mut out = String::new();
    for said in &script.said {
        let front = format!("Mar  1 {} gateway fota[812]:", clock(said.ms));
        let row =
            |at: usize, part: &[u8]| format!("{front} {at:08x}  {:<48}  |{}|", hex(part, " "), shown(part));
        out += &format!("{front} {}\n{}\n", word(said), in_rows(&said.bytes, 16, row));
    }
    out.into_bytes()
}

/// A dump in the quotation of a forum.
fn quoted_dump(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        let row = |at: usize, part: &[u8]| format!("> {at:08x}  {:<48}  |{}|", hex(part, " "), shown(part));
        in_rows(bytes, 16, row).replacen("> ", "\n> ", 1)
    })
}

/// `od -A d -t x1`, and with octal offsets.
fn od_decimal(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        format!(
            "\n{}\n{:07}",
            in_rows(bytes, 16, |at, part| format!("{at:07} {}", hex(part, " "))),
            bytes.len()
        )
    })
}

fn od_octal(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        format!(
            "\n{}\n{:07o}",
            in_rows(bytes, 16, |at, part| format!("{at:07o} {}", hex(part, " "))),
            bytes.len()
        )
    })
}

/// `hexdump` without options: words of the machine, the low byte first.
fn words(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        let row = |at: usize, part: &[u8]| {
            let two = |two: &[u8]| format!("{:02x}{:02x}", two.get(1).copied().unwrap_or(0), two[0]);
            format!("{at:07x} {}", part.chunks(2).map(two).collect::<Vec<_>>().join(" "))
        };
        format!("\n{}\n{:07x}", in_rows(bytes, 16, row), bytes.len())
    })
}

/// PowerShell's Format-Hex, of both ages.
fn format_hex(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        let row = |at: usize, part: &[u8]| {
            format!("{at:08X}   {:<48} {}", hex(part, " ").to_uppercase(), shown(part))
        };
        let head = "           00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F";
        format!("\n\n{head}\n\n{}\n", in_rows(bytes, 16, row))
    })
}

fn format_hex_7(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        let row = |at: usize, part: &[u8]| {
            format!("{at:016X} {:<47} {}", hex(part, " ").to_uppercase(), shown(part))
        };
        let head = "          Offset Bytes                                           Ascii\n                 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\n          ------ ----------------------------------------------- -----";
        format!("\n\n   Label: Byte[] (System.Byte[]) <3D0B4A12>\n\n{head}\n{}\n", in_rows(bytes, 16, row))
    })
}

/// A tool that talks to the daemon of a Bluetooth host.
fn attribute_values(script: &Script) -> Vec<u8> {
    let mut out = String::new();
    for said in &script.said {
        let path = "/org/bluez/hci0/dev_C5_61_0E_11_22_33/service000a/char000b";
        out += &if said.to_device {
            format!("Attempting to write {path}\n")
        } else {
            format!("[CHG] Attribute {path} Value:\n")
        };
        let row = |_: usize, part: &[u8]| format!("  {:<48} {}", hex(part, " "), shown(part));
        out += &in_rows(&said.bytes, 16, row);
        out += "\n";
    }
    out.into_bytes()
}

/// Base64 in lines of 76 characters.
fn wrapped_base64(script: &Script) -> Vec<u8> {
    each(script, |bytes| {
        let text = STANDARD.encode(bytes);
        let lines: Vec<&str> =
            text.as_bytes().chunks(76).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        format!("frame:\n{}", lines.join("\n"))
    })
}

/// A table of a web page: CSV whose quotation marks are doubled.
fn doubled_quotes(script: &Script) -> Vec<u8> {
    let mut out = String::from("timestamp,message\n");
    for said in &script.said {
        let key = if said.to_device { "writes" } else { "notifications" };
        let frame = STANDARD.encode(&said.bytes);
        out += &format!("\"2026-03-01T{}Z\",\"{{\"\"{key}\"\":[\"\"{frame}\"\"]}}\"\n", clock(said.ms));
    }
    out.into_bytes()
}

/// A container's log: each line a JSON object, its time at the end.
fn container_log(script: &Script) -> Vec<u8> {
    let mut out = String::new();
    for said in &script.said {
        out += &format!(
            "{{\"log\":\"dbg: {} {}\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-01T{}000Z\"}}\n",
            word(said),
            hex(&said.bytes, " "),
            clock(said.ms)
        );
    }
    out.into_bytes()
}

/// Text that came through a web page: arrows as entities, in a quotation.
fn entities(script: &Script) -> Vec<u8> {
    let mut out = String::new();
    for said in &script.said {
        let arrow = if said.to_device { "-&gt;" } else { "&lt;-" };
        out += &format!("&gt; {} {arrow} {}<br>\n", clock(said.ms), hex(&said.bytes, " "));
    }
    out.into_bytes()
}

/// A C array for each frame, with its characters in comments.
fn c_arrays(script: &Script) -> Vec<u8> {
    let mut out = String::new();
    for (n, said) in script.said.iter().enumerate() {
        let peer = u8::from(!said.to_device);
        out += &format!("char peer{peer}_{n}[] = {{ /* Packet {} */\n", n + 1);
        let row = |_: usize, part: &[u8]| format!("{}, ", joined(part, ", ", |byte| format!("{byte:#04x}")));
        out += in_rows(&said.bytes, 8, row).trim_end_matches(", ");
        out += " };\n";
    }
    out.into_bytes()
}

/// A column of a table that a dissector prints: colons between the bytes, tabs between the columns.
fn columns(script: &Script) -> Vec<u8> {
    let mut out = String::from("frame.time_relative\tbtatt.opcode\tbtatt.value\n");
    for said in &script.said {
        let opcode = if said.to_device { "0x52" } else { "0x1b" };
        out += &format!(
            "{}.{:06}\t{opcode}\t{}\n",
            said.ms / 1000,
            said.ms % 1000 * 1000,
            hex(&said.bytes, ":")
        );
    }
    out.into_bytes()
}

/// A console as `cat -v` and pagers show it: the marks of its lines in carets.
fn carets(script: &Script) -> Vec<u8> {
    let mut out = Vec::new();
    for said in &script.said {
        smpfota::smp::console::encode(&said.bytes, &mut out);
    }
    let text = String::from_utf8(out).expect("base64");
    text.replace("\u{6}\t", "^F^I").replace("\u{4}\u{14}", "^D^T").into_bytes()
}

/// A console out of which somebody copied the lines: their marks are no characters, and stay behind.
fn copied_console(script: &Script) -> Vec<u8> {
    let mut out = Vec::new();
    for said in &script.said {
        smpfota::smp::console::encode(&said.bytes, &mut out);
        out.extend(b"uart:~$ \n");
    }
    out.retain(|byte| !matches!(byte, 0x04 | 0x06 | 0x09 | 0x14));
    out
}

/// A terminal of 80 columns out of which somebody copied the lines.
fn wrapped(script: &Script, between: &str) -> Vec<u8> {
    let mut out = String::new();
    for said in &script.said {
        let line = format!("[{}] {}: {}", clock(said.ms), word(said), hex(&said.bytes, between));
        for part in line.as_bytes().chunks(80) {
            out += String::from_utf8_lossy(part).trim_end();
            out += "\n";
        }
    }
    out.into_bytes()
}

pub const DRESSES: &[Form] = &[
    ("values with blanks", go_values),
    ("a slice in the syntax of Go", go_syntax),
    ("a quoted string of Go", go_quoted),
    ("hexadecimal without zeros in front", rust_hex),
    ("hexadecimal in a list", rust_hex_padded),
    ("a byte string of Rust", rust_escaped),
    ("a number a line", a_number_a_line),
    ("a method call with numbers", method_numbers),
    ("a typed array", typed_array),
    ("a buffer as JSON", node_json),
    ("characters of JSON", json_characters),
    ("percent signs", percent),
    ("system calls", system_calls),
    ("rows with addresses", addresses),
    ("rows with a name", tagged_rows),
    ("rows with characters behind a bar", zephyr_dump),
    ("a dump behind a prefix", prefixed_dump),
    ("a dump in a quotation", quoted_dump),
    ("od with decimal offsets", od_decimal),
    ("od with octal offsets", od_octal),
    ("words of the machine", words),
    ("Format-Hex", format_hex),
    ("Format-Hex of version 7", format_hex_7),
    ("values of attributes", attribute_values),
    ("base64 in lines", wrapped_base64),
    ("doubled quotation marks", doubled_quotes),
    ("a container's log", container_log),
    ("entities of a web page", entities),
    ("C arrays", c_arrays),
    ("columns", columns),
    ("a console in carets", carets),
    ("a copied console", copied_console),
    ("a terminal of 80 columns", |script| wrapped(script, "")),
    ("a terminal of 80 columns with blanks", |script| wrapped(script, " ")),
];
