//! Turning a body into JSON within a budget, so that a hostile body cannot make a large text.

use super::body::Item;
use crate::json::json;
use serde_json::{Map, Value};

/// How many bytes of a byte string are shown.
const MAX_HEX: usize = 64;
/// How many characters of a text are shown.
const MAX_TEXT: usize = 128;
/// What any item costs besides its text: braces, quotes, the words around.
const ITEM_COST: usize = 64;

/// How many bytes of JSON may still be made.
#[derive(Debug)]
pub(super) struct Budget(pub(super) usize);

impl Budget {
    fn spend(&mut self, cost: usize) -> bool {
        let enough = self.0 >= cost;
        self.0 = self.0.saturating_sub(cost);
        enough
    }
}

/// The bytes in hexadecimal, two digits each.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The start of a text, with an ellipsis where it was cut.
pub(super) fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The item as JSON. A byte string becomes `{"hex": ..., "length": n}` with its first 64 bytes; a map keeps its text keys.
pub(super) fn of_item(item: &Item<'_>, budget: &mut Budget) -> Value {
    if !budget.spend(ITEM_COST) {
        return json!("…");
    }
    match item {
        Item::Unsigned(number) => json!(number),
        Item::Negative(number) => match i64::try_from(*number) {
            Ok(number) => json!(-1 - number),
            Err(_) => json!(format!("-{}", u128::from(*number) + 1)),
        },
        Item::Bytes(bytes) => of_bytes(bytes, budget),
        Item::BadText(bytes) => json!({ "not_utf8": of_bytes(bytes, budget) }),
        Item::Text(text) => json!(of_text(text, budget)),
        Item::Bool(value) => json!(value),
        Item::Null | Item::Undefined => Value::Null,
        Item::Simple(number) => json!({ "simple": number }),
        Item::Float(number) => {
            serde_json::Number::from_f64(*number).map_or_else(|| json!(number.to_string()), Value::Number)
        }
        Item::Tag(number, inner) => json!({ "tag": number, "item": of_item(inner, budget) }),
        Item::Pieces { length, .. } => json!({ "pieces": true, "length": length }),
        Item::Missing => json!("…"),
        Item::Array(elements) => {
            let mut list = Vec::new();
            for element in elements {
                list.push(of_item(element, budget));
                if budget.0 == 0 {
                    break;
                }
            }
            Value::Array(list)
        }
        Item::Map(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let key = match key {
                    Item::Text(text) => of_text(text, budget),
                    other => of_item(other, budget).to_string(),
                };
                map.insert(key, of_item(value, budget));
                if budget.0 == 0 {
                    break;
                }
            }
            Value::Object(map)
        }
    }
}

fn of_bytes(bytes: &[u8], budget: &mut Budget) -> Value {
    let shown = bytes.len().min(MAX_HEX);
    if !budget.spend(2 * shown) {
        return json!({ "length": bytes.len() });
    }
    let dots = if shown < bytes.len() { "…" } else { "" };
    json!({ "hex": hex(&bytes[..shown]) + dots, "length": bytes.len() })
}

fn of_text(text: &str, budget: &mut Budget) -> String {
    let text = shortened(text, MAX_TEXT);
    // A control character takes six in JSON.
    let cost = text.chars().map(|c| if c.is_control() { 6 } else { c.len_utf8() + 1 }).sum();
    if budget.spend(cost) { text } else { "…".to_owned() }
}
