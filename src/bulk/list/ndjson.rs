//! NDJSON: an object on each line, with `email` and perhaps `cname`.

use std::fmt;
use std::io::BufRead;

use serde::de::{self, Deserializer as _, IgnoredAny, MapAccess, Visitor};

use super::lines::each_line;
use super::rows::{ADDRESSING, Collector, RowsError};

/// The fields of an object that matter, and the names of the others.
#[derive(Default)]
struct Object {
    email: Option<String>,
    cname: Option<String>,
    addressing: Option<&'static str>,
    ignored: Vec<String>,
}

/// Reads NDJSON into the collector.
pub(super) fn read(input: &mut impl BufRead, collector: &mut Collector<'_>) -> Result<(), RowsError> {
    each_line(input, |line, text| {
        if line == 1 && text.starts_with('[') {
            return Err(RowsError::JsonArray);
        }
        match parse(text) {
            Ok(Object { addressing: Some(name), .. }) => return Err(RowsError::Addressing { line, name }),
            Ok(Object { email: Some(email), cname, ignored, .. }) => {
                for name in &ignored {
                    collector.ignore(name);
                }
                collector.row(line, email.trim(), cname.as_deref().map(str::trim));
            }
            Ok(_) => collector.bad(line, "has no field `email`".to_owned()),
            Err(error) => collector.bad(line, why(&error)),
        }
        Ok(())
    })
}

/// Why an object cannot be used. `serde_json` counts lines too, but knows of one only.
fn why(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let column = error.column();
    let why = text.strip_suffix(&format!(" at line {} column {column}", error.line())).unwrap_or(&text);
    match column {
        // It knows no place within the line.
        0 => format!("is not a usable JSON object: {why}"),
        _ => format!("is not a usable JSON object: {why} (column {column})"),
    }
}

fn parse(text: &str) -> serde_json::Result<Object> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let object = deserializer.deserialize_map(ObjectVisitor)?;
    deserializer.end().map(|()| object)
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object such as {\"email\":\"hello@example.com\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.trim().to_ascii_lowercase().as_str() {
                "email" if object.email.is_some() => {
                    return Err(de::Error::custom("two fields are called `email`"));
                }
                "cname" if object.cname.is_some() => {
                    return Err(de::Error::custom("two fields are called `cname`"));
                }
                "email" => object.email = Some(map.next_value()?),
                // A directory writes null for what it does not know.
                "cname" => object.cname = map.next_value()?,
                other => {
                    match ADDRESSING.iter().find(|name| **name == other) {
                        Some(name) => object.addressing = Some(name),
                        None => object.ignored.push(name),
                    }
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(object)
    }
}
