//! The JSON object that the live service puts into a body: what it says, and whether it is an error.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What the object of an answer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) code: Option<i64>,
    pub(super) message: Option<String>,
    pub(super) is_error: bool,
}

/// The error object of the live service. Every field may be missing or of another type.
#[derive(serde::Deserialize)]
struct Fields {
    #[serde(default)]
    code: serde_json::Value,
    #[serde(default)]
    message: serde_json::Value,
    #[serde(default)]
    details: serde_json::Value,
    #[serde(default)]
    error: serde_json::Value,
}

/// Reads bytes that are a JSON object.
pub(super) fn read(bytes: &[u8]) -> Object {
    // What cannot be read to its end, such as a code beyond all numbers, is no proof that there is no error.
    let is_error = serde_json::from_slice::<HasError>(bytes).map_or(true, |found| found.0);
    // Fails for an object nested deeper than serde_json builds; it is an object all the same.
    let Ok(fields) = serde_json::from_slice::<Fields>(bytes) else {
        return Object { is_error, ..Object::default() };
    };
    Object { code: fields.code.as_i64(), message: fields.message(), is_error }
}

impl Fields {
    fn message(&self) -> Option<String> {
        let mut message = self.message.as_str().unwrap_or_default().to_owned();
        for detail in self.details.as_array().into_iter().flatten() {
            // One shape bears `details`, the other `value`.
            let text = detail.get("details").or_else(|| detail.get("value")).and_then(|value| value.as_str());
            if let Some(text) = text.filter(|text| !text.is_empty() && !message.contains(text)) {
                let separator = if message.is_empty() { "" } else { ": " };
                message = format!("{message}{separator}{text}");
            }
        }
        if message.is_empty() {
            let error = self.error.get("message").unwrap_or(&self.error);
            error.as_str().unwrap_or_default().clone_into(&mut message);
        }
        (!message.is_empty()).then_some(message)
    }
}

/// Whether an object has an `error` or a `code` other than 0. All of its keys are looked at, so that a second `code`
/// does not take back the first, and no value is built, so that nothing can hide behind one that nests too deep.
struct HasError(bool);

impl<'de> Deserialize<'de> for HasError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = HasError;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HasError, A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            found |= match key.as_str() {
                "code" => !map.next_value::<IsZero>()?.0,
                // In JSON as protobuf writes it, null is a field that is not set.
                "error" => map.next_value::<Option<IgnoredAny>>()?.is_some(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    false
                }
            };
        }
        Ok(HasError(found))
    }
}

/// Whether a value is the number 0, or null. A text is not, whatever it says.
struct IsZero(bool);

impl<'de> Deserialize<'de> for IsZero {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Value)
    }
}

struct Value;

impl<'de> Visitor<'de> for Value {
    type Value = IsZero;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<IsZero, E> {
        Ok(IsZero(true))
    }

    fn visit_i64<E>(self, value: i64) -> Result<IsZero, E> {
        Ok(IsZero(value == 0))
    }

    fn visit_u64<E>(self, value: u64) -> Result<IsZero, E> {
        Ok(IsZero(value == 0))
    }

    fn visit_f64<E>(self, value: f64) -> Result<IsZero, E> {
        Ok(IsZero(value.abs() == 0.0))
    }

    fn visit_bool<E>(self, _: bool) -> Result<IsZero, E> {
        Ok(IsZero(false))
    }

    fn visit_str<E>(self, _: &str) -> Result<IsZero, E> {
        Ok(IsZero(false))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<IsZero, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(IsZero(false))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<IsZero, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(IsZero(false))
    }
}
