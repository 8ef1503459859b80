//! `vescli config show`: the file as it stands, but for the passwords in it.

use super::error::CommandError;
use crate::args::settings_table::Setting;
use crate::report::safe_text::SafeText;
use crate::settings::config_file::{ConfigFile, read_text};
use crate::settings::credential::secret::Secret;

/// The text of a file that was understood, exact, without the users and passwords of its proxies.
///
/// # Errors
/// [`CommandError::Settings`] when it cannot be read again.
pub(super) fn text(file: &ConfigFile) -> Result<String, CommandError> {
    Ok(without_passwords(read_text(&file.path)?, file))
}

/// The text of a file without the users and passwords of its proxies, wherever they stand.
fn without_passwords(mut text: String, file: &ConfigFile) -> String {
    let own = file.profiles.values().map(|profile| &profile.layer);
    for layer in own.chain([&file.defaults]) {
        let Some(given) = layer.get(Setting::Proxy) else {
            continue;
        };
        let url = given.value.to_string();
        let Some((before, _)) = url.rsplit_once('@') else {
            continue;
        };
        let user = before.split_once("://").map_or(before, |(_, user)| user);
        let password = user.split_once(':').map(|(_, password)| password);
        let hidden = SafeText::hiding(password.map(|text| Secret::new(text.to_owned())));
        text = hidden.exact(&text.replace(&format!("{user}@"), "***@"));
    }
    text
}
