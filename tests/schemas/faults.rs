//! Faults planted in real documents: a field that is missing, of a wrong type, or unknown.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::schema::each_described;

/// Documents with one fault each, and what it is. Every field of every object that the documents have is tried once.
pub(crate) fn plant(schema: &Value, documents: &[Value]) -> Vec<(String, Value)> {
    let mut tried = BTreeSet::new();
    let mut faulty = Vec::new();
    for document in documents {
        each_described(schema, document, &mut |place, part, members| {
            let required: Vec<&str> = part["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let changed = |name: &str, value: Option<Value>| {
                let mut document = document.clone();
                let object = document.pointer_mut(place).unwrap().as_object_mut().unwrap();
                match value {
                    Some(value) => object.insert(name.to_owned(), value),
                    None => object.remove(name),
                };
                document
            };
            for name in members.keys().map(String::as_str).chain(["an unknown one"]) {
                if !tried.insert((std::ptr::from_ref(part), name.to_owned())) {
                    continue;
                }
                if required.contains(&name) {
                    faulty.push((format!("without {place}/{name}"), changed(name, None)));
                }
                // A body of a request may be anything.
                let is_any = part["properties"].get(name).is_some_and(|field| {
                    !["type", "const", "enum", "$ref", "anyOf"].iter().any(|key| field.get(key).is_some())
                });
                if !is_any {
                    let wrong = json!({ "wrong": [] });
                    faulty.push((format!("{place}/{name} of a wrong type"), changed(name, Some(wrong))));
                }
            }
        });
    }
    faulty
}
