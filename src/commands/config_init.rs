//! `vescli config init`: a first file, for people to go on from.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use super::config::shown;
use super::config_document::About;
use super::error::CommandError;
use crate::args::layer::Layer;
use crate::args::settings_table::Setting;

/// Writes a first file, and gives back what to print.
///
/// # Errors
/// [`CommandError`] when there is one already, or it cannot be written.
pub(super) fn init(path: &Path, flags: &Layer, json: bool) -> Result<String, CommandError> {
    let text = first_text(flags)?;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => CommandError::Usage {
            message: format!("{} exists already and was left alone", path.display()),
            hint: "edit it, or name another file with --config".to_owned(),
        },
        _ => CommandError::Io(format!("{} cannot be written: {error}", path.display())),
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    if json {
        return Ok(About::Written { written: true }.document("vescli.config-init/1", path));
    }
    let next = match flags.get(Setting::Tenant) {
        Some(_) => "try it with `vescli doctor`",
        None => "put your tenant there, then `vescli config check`",
    };
    Ok(format!("{}: written; {next}\n", shown(path)))
}

/// The text of a first file, with what the flags say of it.
fn first_text(flags: &Layer) -> Result<String, CommandError> {
    let given = |key| flags.get(key).map(|given| given.value.to_string());
    let tenant = given(Setting::Tenant).unwrap_or_else(|| "example-corp".to_owned());
    if !crate::settings::target::is_label(&tenant) {
        return Err(CommandError::Usage {
            message: format!("--tenant: `{}` is not one DNS label", tenant.escape_debug()),
            hint: "give the first part of the console's host name alone".to_owned(),
        });
    }
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let optional = |key: &str, value: Option<String>, example: &str| match value {
        Some(value) => format!("{key} = {}\n", quoted(&value)),
        None => format!("# {key} = {example}\n"),
    };
    let text = format!(
        "# vescli: `vescli help config` tells of every key. No secret belongs in here.\ndefault_profile = \"prod\"\n\n\
         [defaults]\n# timeout = \"30s\"\n\n[profiles.prod]\ntenant = {}\n{}{}",
        quoted(&tenant),
        optional("cname", given(Setting::Cname), "\"example\""),
        optional("token_file", given(Setting::TokenFile), "\"~/.config/vescli/prod.token\"   # chmod 600"),
    );
    Ok(text)
}
