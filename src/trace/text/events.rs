//! What logs say of the link.

use super::super::told::Event;

/// The event in a line, if it tells one.
pub(in crate::trace) fn read(line: &str) -> Option<Event> {
    let lower = line.to_ascii_lowercase();
    let has = |word: &str| lower.contains(word);
    if has("disconnected") || has("link down") || has("connection lost") || has("disconnection complete") {
        return Some(Event::LinkDown(
            number_behind(&lower, "reason").or(number_behind(&lower, "status")).map(|n| n as u8),
        ));
    }
    if has("bonds lost") {
        return Some(Event::BondsLost);
    }
    if has("link up") || has("connection established") || has("connected to ") && !has("not connected") {
        return Some(Event::LinkUp);
    }
    if let Some(mtu) = number_behind(&lower, "mtu").filter(|mtu| (23..=1_024).contains(mtu)) {
        return Some(Event::Mtu(mtu));
    }
    if has("max_write ")
        && let Some(write) = number_behind(&lower, "max_write")
    {
        return Some(Event::Mtu(write.saturating_add(3)));
    }
    if (has("att") || has("gatt"))
        && has("error")
        && let Some(code) =
            number_behind(&lower, "error").and_then(|code| u8::try_from(code).ok()).filter(|code| *code > 0)
    {
        return Some(Event::AttError(code));
    }
    if has("notifications") {
        return (has("enabled") || has("disabled")).then(|| Event::Notifications(has("enabled")));
    }
    None
}

/// The number within a few characters behind a word, decimal or with `0x`.
fn number_behind(lower: &str, word: &str) -> Option<u32> {
    let at = lower.find(word)? + word.len();
    let rest = lower.get(at..)?;
    let skipped = rest.find(|c: char| c.is_ascii_digit()).filter(|skipped| *skipped <= 16)?;
    let rest = &rest[skipped..];
    let (digits, radix) = match rest.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (rest, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len()).min(8);
    u32::from_str_radix(&digits[..end], radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_understood_in_the_words_of_several_logs() {
        for (line, event) in [
            ("Disconnected from C5:61 (reason 0x08)", Event::LinkDown(Some(8))),
            ("[Server] link down", Event::LinkDown(None)),
            ("Connected to C5:61:0E:11:22:33", Event::LinkUp),
            ("onMtuChanged() - mtu=247 status=0", Event::Mtu(247)),
            ("MTU changed to: 498", Event::Mtu(498)),
            ("ATT write failed, error 0x05", Event::AttError(5)),
            ("Notifications enabled", Event::Notifications(true)),
            ("link up under another address", Event::LinkUp),
            ("bonds lost", Event::BondsLost),
        ] {
            assert_eq!(read(line), Some(event), "{line}");
        }
        assert_eq!(read("sending 244 bytes"), None);
    }
}
