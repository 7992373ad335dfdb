//! The lines of a console that carry SMP (Zephyr `doc/services/device_mgmt/smp_transport.rst`, "UART/serial and console").

use base64::Engine;

/// One line: whether it is the first one of its packet, and what it holds. `None` for what is no such line.
pub fn line(bytes: &[u8]) -> Option<(bool, Vec<u8>)> {
    let is_first = match bytes {
        [6, 9, ..] => true,
        [4, 20, ..] => false,
        _ => return None,
    };
    let text: Vec<u8> = bytes[2..].iter().copied().take_while(|byte| !byte.is_ascii_control()).collect();
    // Of a line that was cut, what is whole.
    let whole = &text[..text.len() / 4 * 4];
    Some((is_first, base64::engine::general_purpose::STANDARD.decode(whole).unwrap_or_default()))
}
