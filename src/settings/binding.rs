//! Which host a credential of the configuration file may be sent to: the host of the table that names it. Flags and
//! variables, F5's own included, have no part in that host, or a slip in one would lead the credential elsewhere.

use super::credential::CredentialError;
use super::error::SettingsError;
use super::sources::{Level, Sources};
use super::target::Target;
use crate::args::layer::{Layer, Origin};
use crate::args::settings_table::Setting;

/// Checks that the credential of the layer at `index` may go to the target. Whatever is not understood is refused.
///
/// # Errors
/// [`CredentialError`] with both hosts, or with the reason why the table's own cannot be computed.
pub(super) fn check(sources: &Sources, index: usize, origin: &Origin, target: &Target) -> Result<(), CredentialError> {
    let target = target.origin();
    let bound = match Target::origin_of(&table_alone(sources, index)) {
        Ok(bound) => bound,
        Err(error) => {
            let reason = match error {
                SettingsError::Missing { .. } => "the file names neither `tenant` nor `base_url` for it".to_owned(),
                error => error.to_string(),
            };
            return Err(CredentialError::Unbound { origin: origin.clone(), target, reason });
        }
    };
    if bound == target {
        return Ok(());
    }
    let of_file = sources.with_layers(file_layers(sources));
    let remedy = if Target::origin_of(&of_file).is_ok_and(|own| own == target) {
        "a table that changes the host has to name its own credential"
    } else {
        "give a credential for that host with VESCLI_TOKEN or --token-file, or --no-auth"
    };
    Err(CredentialError::Bound { origin: origin.clone(), bound, target, remedy })
}

/// What the file says, completed by what is built in.
fn file_layers(sources: &Sources) -> Vec<(Level, Layer)> {
    sources
        .layers()
        .filter(|(level, _)| matches!(level, Level::File | Level::BuiltIn))
        .map(|(level, layer)| (level, layer.clone()))
        .collect()
}

/// What decides the host of a table: itself, the profiles that it extends, and `[defaults]`. A table that names no host is
/// a template or `[defaults]`: its credential is meant for the host of the profile that builds on it.
fn table_alone(sources: &Sources, index: usize) -> Sources {
    let names = |layer: &Layer, key| layer.get(key).is_some();
    let layers = || sources.layers().enumerate();
    let below = |key| layers().any(|(at, (level, layer))| at >= index && level == Level::File && names(layer, key));
    let has_host = below(Setting::Tenant) || below(Setting::BaseUrl);
    let has_console = below(Setting::Console);
    let kept = layers().map(|(at, (level, layer))| {
        let keys: &[Setting] = match level {
            Level::BuiltIn => &[Setting::Console],
            Level::File if at >= index => &[Setting::Tenant, Setting::BaseUrl, Setting::Console],
            Level::File if has_host => &[],
            // A console that the table names may be completed by a tenant, and not be led away from.
            Level::File if has_console => &[Setting::Tenant],
            Level::File => &[Setting::Tenant, Setting::BaseUrl, Setting::Console],
            Level::Flag | Level::Variable | Level::Foreign => &[],
        };
        (level, layer.only(keys))
    });
    sources.with_layers(kept.collect())
}
