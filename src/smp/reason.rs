//! The device's own words beside an error: `rsn`, which Zephyr sends with `CONFIG_MCUMGR_SMP_VERBOSE_ERR_RESPONSE`
//! (`subsys/mgmt/mcumgr/smp/src/smp.c`, `smp_build_err_rsp`).

use super::cbor::{self, Value};

/// The most characters that are kept.
pub const MOST: usize = 96;

/// The words in the body of an error answer, if there are any: printable ASCII, anything else replaced by `?`.
#[cold]
pub fn in_body(body: &[u8]) -> Option<Box<str>> {
    let mut reason = None;
    let _ = cbor::entries(body, |key, value| {
        if let ("rsn", Value::Text(text)) = (key, value) {
            reason = bounded(text);
        }
    });
    reason
}

fn bounded(text: &str) -> Option<Box<str>> {
    let printable = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    let kept: String = text.trim().chars().take(MOST).map(printable).collect();
    (!kept.is_empty()).then(|| kept.into_boxed_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bounded_and_printable() {
        // {"rc": 6, "rsn": "pending"}, as Zephyr writes it.
        let body = b"\xbf\x62rc\x06\x63rsn\x67pending\xff";
        assert_eq!(in_body(body).as_deref(), Some("pending"));
        assert_eq!(in_body(b"\xbf\x62rc\x06\xff"), None);
        assert_eq!(in_body(b"\xbf\x62rc\x06\x63rsn\x07\xff"), None);
        assert_eq!(in_body(b"\xbf\x62rc"), None);
        assert_eq!(bounded("  "), None);
        assert_eq!(bounded("a\nb\u{1b}[31m\u{202e}\u{fc}").as_deref(), Some("a?b?[31m??"));
        assert_eq!(bounded(&"x".repeat(500)).map(|text| text.len()), Some(MOST));
    }
}
