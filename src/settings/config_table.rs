//! One table of the configuration file: its keys against the table of settings, with the place of each.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::config_error::{ConfigError, Mistake, Place};
use super::config_file::Profile;
use super::config_value::read_value;
use crate::cli::args::keys::{Row, rows};
use crate::cli::args::layer::Origin;
use crate::cli::args::nearest::did_you_mean;

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
        ConfigError::Mistake {
            place: self.place(offset),
            mistake,
        }
    }
}

/// Reads a table of settings; `title` names it in messages.
///
/// # Errors
/// [`ConfigError::Mistake`] with the place of the first mistake.
pub(super) fn read_table(
    source: &Source,
    title: &str,
    table: &DeTable<'_>,
) -> Result<Profile, ConfigError> {
    let mut profile = Profile::default();
    let mut tokens: Vec<&'static str> = Vec::new();
    for (key, value) in table {
        let (name, offset) = (key.get_ref().as_ref(), key.span().start);
        if name == "extends" && title != "defaults" {
            profile.extends = Some(text_of(source, "extends", value)?);
            continue;
        }
        refuse_secret(source, offset, name)?;
        let Some(row) = rows().find(|row| row.in_file() && row.name() == name) else {
            let names: Vec<String> = rows().filter(|row| row.in_file()).map(Row::name).collect();
            let mut known: Vec<&str> = names.iter().map(String::as_str).collect();
            known.push("extends");
            return Err(unknown_key(
                source,
                offset,
                name,
                &format!("[{title}]"),
                &known,
            ));
        };
        if matches!(row.flag, "token-file" | "token-command") {
            tokens.push(row.flag);
            if tokens.len() == 2 {
                return Err(
                    source.mistake(offset, Mistake::TwoTokens("token_file", "token_command"))
                );
            }
        }
        let read = read_value(row, value.get_ref(), source.path).map_err(|reason| {
            let key = name.to_owned();
            source.mistake(value.span().start, Mistake::Value { key, reason })
        })?;
        let Place { path, line, column } = source.place(offset);
        let table = title.to_owned();
        profile.layer.set(
            row.key,
            read,
            Origin::File {
                path,
                line,
                column,
                table,
            },
        );
    }
    Ok(profile)
}

fn refuse_secret(source: &Source, offset: usize, name: &str) -> Result<(), ConfigError> {
    let mistake = match name {
        "token" | "api_token" => Mistake::Secret(
            name.to_owned(),
            "token",
            " or a command with `token_command`",
            "VESCLI_TOKEN",
        ),
        "p12_password" => {
            Mistake::Secret(name.to_owned(), "p12_password", "", "VESCLI_P12_PASSWORD")
        }
        _ => return Ok(()),
    };
    Err(source.mistake(offset, mistake))
}

pub(super) fn unknown_key(
    source: &Source,
    offset: usize,
    key: &str,
    table: &str,
    known: &[&str],
) -> ConfigError {
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
        let reason = format!(
            "is a table, written [{key}], not a {}",
            value.get_ref().type_str()
        );
        source.mistake(
            value.span().start,
            Mistake::Value {
                key: key.to_owned(),
                reason,
            },
        )
    })
}

pub(super) fn text_of(
    source: &Source,
    key: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<String, ConfigError> {
    value.get_ref().as_str().map(str::to_owned).ok_or_else(|| {
        let reason = format!(
            "takes a text in quotes, not a {}",
            value.get_ref().type_str()
        );
        source.mistake(
            value.span().start,
            Mistake::Value {
                key: key.to_owned(),
                reason,
            },
        )
    })
}
