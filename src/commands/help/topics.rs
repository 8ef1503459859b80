//! The topics of `vescli help` that are not commands: their texts (`topics/*.txt`), and tables made from the settings. A
//! paragraph is one line of the text and is wrapped when it is shown.

use crate::args::environment::{
    F5_PASSWORD_VARIABLE, F5_TOKEN_VARIABLE, P12_PASSWORD_VARIABLE, SANDBOX_VARIABLE, TOKEN_VARIABLE,
};
use crate::args::settings_table::{Group, Kind, Scope, SettingSpec, specs};
use crate::report::text::Style;

/// Variables of vescli that are not flags.
pub const SECRET_VARIABLES: [(&str, &str); 2] = [
    (TOKEN_VARIABLE, "The API token; there is no flag for it on purpose"),
    (P12_PASSWORD_VARIABLE, "The password of the PKCS#12 file"),
];

/// Variables of other tools that are read.
pub const FOREIGN_VARIABLES: [(&str, &str); 14] = [
    (F5_TOKEN_VARIABLE, "The API token, if no other source names a credential"),
    (F5_PASSWORD_VARIABLE, "The password of the PKCS#12 file, if no other source has it"),
    ("HTTPS_PROXY, https_proxy", "The proxy for https"),
    ("ALL_PROXY, all_proxy", "The proxy if none is set for https"),
    ("NO_PROXY, no_proxy", "Hosts that are reached without the proxy"),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "Trusted certificates instead of the system's store"),
    ("NO_COLOR", "No colours, if not empty"),
    ("FORCE_COLOR, CLICOLOR_FORCE", "Colours even without a terminal, if neither empty nor 0"),
    ("TERM", "No colours if it is `dumb`"),
    ("PAGER", "The command that shows help longer than the screen, `less` if not set; empty or `cat` for none"),
    ("COLUMNS", "The width of help, if it is not that of the terminal"),
    ("COMPLETE", "The shell that asks for completions; see `vescli completions --help`"),
    ("XDG_CONFIG_HOME", "The folder of the configuration, if it is an absolute path"),
    ("XDG_STATE_HOME", "The folder of the journals, if it is an absolute path"),
];

const SANDBOX_HELP: &str = "Address of the sandbox, set by `vescli sandbox`; the journals are then those of rehearsals";

pub const JSON: &str = include_str!("topics/json.txt");

pub const BULK: &str = include_str!("topics/bulk.txt");

pub(super) fn environment(style: Style) -> String {
    let mut text = include_str!("topics/environment.txt").to_owned();
    for group in Group::ALL {
        text.push_str(&format!("\n{}\n", style.heading(group.heading())));
        for spec in specs().filter(|spec| spec.group == *group && spec.is_flag()) {
            let foreign = spec.f5_variable.map_or_else(String::new, |name| format!(" (also {name})"));
            text.push_str(&entry(&spec.variable(), &format!("{}{foreign}", spec.help)));
        }
        match group {
            Group::Sandbox => text += &entry(SANDBOX_VARIABLE, SANDBOX_HELP),
            Group::Credential => text.extend(SECRET_VARIABLES.map(|(name, help)| entry(name, help))),
            _ => {}
        }
    }
    text.push_str(&format!("\n{}\n", style.heading("Variables of other tools that are read")));
    text.extend(FOREIGN_VARIABLES.map(|(name, help)| entry(name, help)));
    text.push_str("\nNot read: F5XC_API_URL and VOLT_API_URL, which contain another kind of URL; SSLKEYLOGFILE.\n");
    text
}

pub(super) fn config(style: Style) -> String {
    let mut text = String::new();
    for line in include_str!("topics/config.txt").lines() {
        let is_heading = line.starts_with(char::is_alphabetic);
        text += &if is_heading { style.heading(line) } else { line.to_owned() };
        text.push('\n');
    }
    text.extend(specs().filter(|spec| spec.in_file()).map(|spec| {
        let line = format!("{} = {}", spec.name(), example(spec));
        entry(&line, spec.help)
    }));
    text + "\nThe command `vescli config`: see `vescli config --help`.\n"
}

fn example(spec: &SettingSpec) -> String {
    match (spec.kind, spec.default) {
        (Kind::Count | Kind::Level, default) => default.unwrap_or("0").to_owned(),
        (Kind::Switch, _) => "true".to_owned(),
        (Kind::List(name), _) if spec.scope == Scope::FileOnly => format!("[\"{name}\", …]"),
        (Kind::List(name), _) => format!("[\"{name}\"]"),
        (_, Some(default)) => format!("\"{default}\""),
        (Kind::Text(name), None) => format!("\"{name}\""),
        (Kind::File, None) => "\"FILE\"".to_owned(),
        (Kind::Choice(_) | Kind::Duration, None) => "\"…\"".to_owned(),
    }
}

fn entry(name: &str, help: &str) -> String {
    format!("  {name:<37} {help}\n")
}
