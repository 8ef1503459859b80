//! The text of a configuration file as it is taken apart: places in it, tables and texts, and what is refused at once.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::config_error::{ConfigError, Mistake, Place};
use super::config_value::with_article;
use crate::args::nearest::{did_you_mean, nearest};
use crate::args::settings_table::{SettingSpec, specs};

/// A place that names a profile.
pub(super) struct Reference {
    pub(super) key: &'static str,
    /// The profile that builds on the named one.
    pub(super) by: Option<String>,
    pub(super) name: String,
    pub(super) offset: usize,
}

impl Reference {
    pub(super) fn default_profile(name: &str, offset: usize) -> Self {
        Self { key: "default_profile", by: None, name: name.to_owned(), offset }
    }

    pub(super) fn extends(by: &str, table: &DeTable<'_>) -> Option<Self> {
        let (_, value) = table.iter().find(|(key, _)| key.get_ref() == "extends")?;
        Some(Self {
            key: "extends",
            by: Some(by.to_owned()),
            name: value.get_ref().as_str()?.to_owned(),
            offset: value.span().start,
        })
    }
}

/// A file's text with the way to name places in it.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    pub(super) fn mistake(&self, offset: usize, mistake: Mistake) -> ConfigError {
        ConfigError::Mistake { place: self.place(offset), mistake }
    }
}

pub(super) fn refuse_secret(source: &Source, offset: usize, name: &str) -> Result<(), ConfigError> {
    let mistake = match name {
        "token" | "api_token" => {
            Mistake::Secret(name.to_owned(), "token", " or a command with `token_command`", "VESCLI_TOKEN")
        }
        "p12_password" => Mistake::Secret(name.to_owned(), "p12_password", "", "VESCLI_P12_PASSWORD"),
        _ => return Ok(()),
    };
    Err(source.mistake(offset, mistake))
}

pub(super) fn unknown_key(source: &Source, offset: usize, key: &str, table: &str, known: &[&str]) -> ConfigError {
    let mistake = Mistake::UnknownKey {
        key: key.to_owned(),
        table: table.to_owned(),
        near: did_you_mean(key, known.iter().copied()),
    };
    source.mistake(offset, mistake)
}

pub(super) fn table_of<'a, 'i>(
    source: &Source,
    key: &str,
    value: &'a Spanned<DeValue<'i>>,
) -> Result<&'a DeTable<'i>, ConfigError> {
    value.get_ref().as_table().ok_or_else(|| {
        let reason = format!("is a table, written [{key}], not {}", with_article(value.get_ref().type_str()));
        source.mistake(value.span().start, Mistake::Value { key: key.to_owned(), reason })
    })
}

pub(super) fn text_of(source: &Source, key: &str, value: &Spanned<DeValue<'_>>) -> Result<String, ConfigError> {
    value.get_ref().as_str().map(str::to_owned).ok_or_else(|| {
        let reason = format!("takes a text in quotes, not {}", with_article(value.get_ref().type_str()));
        source.mistake(value.span().start, Mistake::Value { key: key.to_owned(), reason })
    })
}

/// A key that stands at the top of the file and is none of the three that may. Most often it is a setting that lacks its
/// table, so that is told.
pub(super) fn unknown_table(source: &Source, offset: usize, key: &str) -> ConfigError {
    let tables = ["default_profile", "defaults", "profiles"];
    let settings: Vec<String> = specs().filter(|spec| spec.in_file()).map(SettingSpec::name).collect();
    let place = "belongs under [defaults] or [profiles.NAME]";
    let setting = nearest(key, settings.iter().map(String::as_str));
    let near = match (did_you_mean(key, tables), setting) {
        (_, Some(setting)) if setting == key => format!(": it {place}"),
        (near, _) if !near.is_empty() => near,
        (_, Some(setting)) => format!("; did you mean `{setting}`? It {place}"),
        (near, None) => near,
    };
    let mistake = Mistake::UnknownKey { key: key.to_owned(), table: "the file".to_owned(), near };
    source.mistake(offset, mistake)
}
