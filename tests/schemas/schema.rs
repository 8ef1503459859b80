//! The schemas, and what can be read from them: their strict form, the objects that a document is made of, and the fields
//! that have been seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

pub(crate) struct Schemas {
    paths: Vec<PathBuf>,
    by_name: BTreeMap<String, Value>,
}

impl Schemas {
    pub(crate) fn read() -> Self {
        let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
        let paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
        let by_name = paths
            .iter()
            .map(|path| {
                let text = fs::read_to_string(path).unwrap();
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                (name, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
            })
            .collect();
        Self { paths, by_name }
    }

    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.by_name.iter()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(crate) fn of(&self, name: &str) -> &Value {
        self.by_name.get(name).unwrap_or_else(|| panic!("there is no schemas/{name}.json"))
    }

    /// The schema without room for other fields.
    pub(crate) fn strict(&self, name: &str) -> Value {
        let mut schema = self.of(name).clone();
        close(&mut schema);
        schema
    }
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            // Without a type it is a condition on an object that another part describes.
            if members.contains_key("properties") && members.contains_key("type") {
                members.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// The names of fields that say nothing about themselves.
pub(crate) fn without_description(schema: &Value) -> Vec<&str> {
    let mut bare = Vec::new();
    each_object(schema, &mut |object| {
        let fields = properties(object).iter();
        bare.extend(fields.filter(|(_, field)| !field["description"].is_string()).map(|(name, _)| name.as_str()));
    });
    bare
}

fn properties(schema: &Value) -> &Map<String, Value> {
    schema["properties"].as_object().expect("it has properties")
}

/// Calls back for each schema of an object.
fn each_object<'a>(schema: &'a Value, call: &mut impl FnMut(&'a Value)) {
    if schema["type"] == "object" && schema["properties"].is_object() {
        call(schema);
    }
    match schema {
        Value::Object(members) => members.values().for_each(|member| each_object(member, call)),
        Value::Array(items) => items.iter().for_each(|item| each_object(item, call)),
        _ => {}
    }
}

/// Calls back for each object within a document, with its place, and the part of the schema that describes it.
pub(crate) fn each_described<'a>(
    root: &'a Value,
    document: &Value,
    call: &mut impl FnMut(&str, &'a Value, &Map<String, Value>),
) {
    described(root, root, document, "", call);
}

fn described<'a>(
    root: &'a Value,
    schema: &'a Value,
    value: &Value,
    place: &str,
    call: &mut impl FnMut(&str, &'a Value, &Map<String, Value>),
) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.strip_prefix('#').unwrap()).expect("the reference leads somewhere");
        return described(root, target, value, place, call);
    }
    for choice in ["anyOf", "oneOf"] {
        for part in schema[choice].as_array().into_iter().flatten() {
            described(root, part, value, place, call);
        }
    }
    match value {
        Value::Object(members) if schema["type"] == "object" && schema["properties"].is_object() => {
            if !is_of(schema, members) {
                return;
            }
            call(place, schema, members);
            for (name, member) in members {
                described(root, &schema["properties"][name], member, &format!("{place}/{name}"), call);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                described(root, &schema["items"], item, &format!("{place}/{index}"), call);
            }
        }
        _ => {}
    }
}

/// Whether an object has the constants that tell this schema from others.
fn is_of(schema: &Value, members: &Map<String, Value>) -> bool {
    properties(schema).iter().all(|(name, field)| match (members.get(name), name.as_str()) {
        (Some(value), "t" | "v") => {
            field["const"] == *value || field["enum"].as_array().is_some_and(|words| words.contains(value))
        }
        (None, "t" | "v") => false,
        _ => true,
    })
}

/// The fields of a schema, and which of them a document has had a value for.
pub(crate) struct Fields<'a> {
    root: &'a Value,
    seen: BTreeSet<(*const Value, String)>,
}

impl<'a> Fields<'a> {
    pub(crate) const fn of(root: &'a Value) -> Self {
        Self { root, seen: BTreeSet::new() }
    }

    pub(crate) fn see(&mut self, document: &Value) {
        each_described(self.root, document, &mut |_, schema, members| {
            let filled = members.iter().filter(|(_, value)| !value.is_null());
            self.seen.extend(filled.map(|(name, _)| (std::ptr::from_ref(schema), name.clone())));
        });
    }

    pub(crate) fn unseen(&self) -> Vec<&'a str> {
        let mut unseen = Vec::new();
        each_object(self.root, &mut |schema| {
            let names = properties(schema).keys();
            let is_seen = |name: &&String| self.seen.contains(&(std::ptr::from_ref(schema), (*name).clone()));
            unseen.extend(names.filter(|name| !is_seen(name)).map(String::as_str));
        });
        unseen
    }
}
