//! One table of the configuration file: its keys against the table of settings, with the place of each.

use toml::de::DeTable;

use super::config_error::{ConfigError, Mistake, Place};
use super::config_file::Profile;
use super::config_source::{Source, refuse_secret, text_of, unknown_key};
use super::config_value::read_value;
use crate::args::layer::Origin;
use crate::args::settings_table::{SettingSpec, specs};

/// Reads a table of settings; `title` names it in messages.
///
/// # Errors
/// [`ConfigError::Mistake`] with the place of the first mistake.
pub(super) fn read_table(source: &Source, title: &str, table: &DeTable<'_>) -> Result<Profile, ConfigError> {
    let mut profile = Profile::default();
    let mut tokens: Vec<&'static str> = Vec::new();
    // In the order of the file, so that the first mistake told is the first that is there.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let (name, offset) = (key.get_ref().as_ref(), key.span().start);
        if name == "extends" && title != "defaults" {
            profile.extends = Some(text_of(source, "extends", value)?);
            continue;
        }
        refuse_secret(source, offset, name)?;
        let Some(spec) = specs().find(|spec| spec.in_file() && spec.name() == name) else {
            let names: Vec<String> = specs().filter(|spec| spec.in_file()).map(SettingSpec::name).collect();
            let mut known: Vec<&str> = names.iter().map(String::as_str).collect();
            known.push("extends");
            return Err(unknown_key(source, offset, name, &format!("[{title}]"), &known));
        };
        if matches!(spec.flag, "token-file" | "token-command") {
            tokens.push(spec.flag);
            if tokens.len() == 2 {
                return Err(source.mistake(offset, Mistake::TwoTokens("token_file", "token_command")));
            }
        }
        let read = read_value(spec, value.get_ref(), source.path).map_err(|reason| {
            let key = name.to_owned();
            source.mistake(value.span().start, Mistake::Value { key, reason })
        })?;
        let Place { path, line, column } = source.place(offset);
        let table = title.to_owned();
        profile.layer.set(spec.setting, read, Origin::File { path, line, column, table });
    }
    Ok(profile)
}
