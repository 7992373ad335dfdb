//! JSON objects, written as with `serde_json::json!` and in a third of the code: a field is a call here, where that macro
//! unfolds the whole insertion.

use serde_json::{Map, Value};

/// An object from fields with literal keys, or the JSON of any other value.
macro_rules! json {
    ({ $($fields:tt)* }) => {{
        #[allow(unused_mut)]
        let mut object = serde_json::Map::new();
        $crate::json::fields!(object; $($fields)*);
        serde_json::Value::Object(object)
    }};
    ($other:expr) => { $crate::json::value(serde_json::to_value(&$other)) };
}

/// Puts fields into an object, one after the other.
macro_rules! fields {
    ($object:ident;) => {};
    ($object:ident; $key:literal: { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $crate::json::put(&mut $object, $key, Ok($crate::json::json!({ $($inner)* })));
        $crate::json::fields!($object; $($($rest)*)?);
    };
    ($object:ident; $key:literal: $value:expr $(, $($rest:tt)*)?) => {
        $crate::json::put(&mut $object, $key, serde_json::to_value(&$value));
        $crate::json::fields!($object; $($($rest)*)?);
    };
}

pub(crate) use {fields, json};

/// Nothing that the library describes can fail to be JSON: keys are text and numbers are finite.
#[inline(never)]
pub(crate) fn value(value: serde_json::Result<Value>) -> Value {
    value.unwrap_or(Value::Null)
}

#[inline(never)]
pub(crate) fn put(object: &mut Map<String, Value>, key: &str, field: serde_json::Result<Value>) {
    object.insert(key.to_owned(), value(field));
}
