//! One value of the configuration file: its TOML type against the kind of its setting.

use std::path::Path;

use toml::de::DeValue;

use crate::args::settings_table::{Kind, SettingSpec};
use crate::args::value::{Value, check_choice};

/// Reads a value as its row wants it. A relative path is taken from the folder of the file, `~/` from the home folder.
///
/// # Errors
/// A phrase that says what the setting takes.
pub(super) fn read_value(spec: &SettingSpec, value: &DeValue<'_>, file: &Path) -> Result<Value, String> {
    let found = value.type_str();
    let no = |takes: &str| Err(format!("takes {takes}, not {}", with_article(found)));
    match spec.kind {
        Kind::Text(_) => value.as_str().map_or_else(|| no("a text in quotes"), |text| Ok(Value::Text(text.to_owned()))),
        Kind::Duration => value.as_str().map_or_else(
            || no("a time with its unit in quotes, such as \"30s\""),
            |text| Ok(Value::Text(text.to_owned())),
        ),
        Kind::File => {
            value.as_str().map_or_else(|| no("a path in quotes"), |text| Ok(Value::Text(absolute(text, file))))
        }
        Kind::Choice(words) => match value.as_str() {
            Some(text) => check_choice(words, text).map(|()| Value::Text(text.to_owned())),
            None => no("a word in quotes"),
        },
        Kind::Switch => value.as_bool().map_or_else(|| no("true or false"), |on| Ok(Value::Switch(on))),
        Kind::Count | Kind::Level => {
            let number =
                value.as_integer().and_then(|integer| u64::from_str_radix(integer.as_str(), integer.radix()).ok());
            number.map_or_else(|| no("a whole number from 0 on, without quotes"), |count| Ok(Value::Count(count)))
        }
        Kind::List(_) => {
            let items = value.as_array().map(|items| {
                items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            });
            match items.flatten() {
                Some(items) if !items.is_empty() => Ok(Value::List(items)),
                _ => no("an array of texts, such as [\"a\", \"b\"]"),
            }
        }
    }
}

pub(super) fn with_article(name: &str) -> String {
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}

fn absolute(text: &str, file: &Path) -> String {
    let joined = match text.strip_prefix("~/").zip(dirs::home_dir()) {
        Some((rest, home)) => home.join(rest),
        None if text == "-" => return text.to_owned(),
        None => file.parent().unwrap_or(Path::new("")).join(text),
    };
    joined.to_string_lossy().into_owned()
}
