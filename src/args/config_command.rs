//! `vescli config` on the command line.

use clap::Command;

use super::settings_table::Setting;
use super::subcommands::{SETTINGS, flag, flags};

/// What `config` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigAction {
    /// Print where the file is.
    Path,
    /// Write a first file.
    Init,
    /// Print the file.
    Show,
    /// Print every setting with its origin.
    Explain,
    /// Check the file.
    Check,
    /// List the profiles.
    Profiles,
}

/// The command with its actions.
pub(super) fn command() -> Command {
    let action = |name: &'static str, about: &'static str| Command::new(name).about(about);
    let only = |keys: &'static [Setting]| keys.iter().map(|key| flag(key.spec()));
    Command::new("config")
        .about("Look into the configuration")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommands([
            action("path", "Print where the configuration file is looked for").args(only(&[Setting::Config])),
            action("init", "Write a first configuration file; an existing one is left alone").args(only(&[
                Setting::Config,
                Setting::Tenant,
                Setting::Cname,
                Setting::TokenFile,
            ])),
            action("show", "Print the configuration file as it stands").args(only(&[Setting::Config])),
            action("explain", "Print every setting with its value and where it comes from").args(flags(SETTINGS)),
            action("check", "Check the configuration file").args(only(&[Setting::Config])),
            action("profiles", "List the profiles, the chosen one marked")
                .args(only(&[Setting::Config, Setting::Profile])),
        ])
}

/// The action of its name.
pub(super) fn action(name: &str) -> Option<ConfigAction> {
    Some(match name {
        "path" => ConfigAction::Path,
        "init" => ConfigAction::Init,
        "show" => ConfigAction::Show,
        "explain" => ConfigAction::Explain,
        "check" => ConfigAction::Check,
        "profiles" => ConfigAction::Profiles,
        _ => return None,
    })
}
