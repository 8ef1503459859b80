//! `vescli config`: where the file is, what it contains, and where each value comes from.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use super::Context;
use super::error::CommandError;
use crate::api::operation;
use crate::api::operation::SEND_PASSWORD_EMAIL;
use crate::args::commands::ConfigAction;
use crate::args::environment::Environment;
use crate::args::layer::{Layer, Origin, Value};
use crate::args::settings_table::{Group, Setting, SettingSpec, specs};
use crate::report::escape::{Redactor, escape_document, escape_uncut, success};
use crate::report::exit::Ending;
use crate::report::text::counted;
use crate::settings::Settings;
use crate::settings::config_file::{ConfigFile, ConfigPath};
use crate::settings::credential::CredentialPlan;
use crate::settings::credential::certificate::{ClientCertificateSource, PasswordSource};
use crate::settings::credential::secret::Secret;
use crate::settings::credential::token::TokenSource;
use crate::settings::error::{ConfigState, SettingsError};
use crate::settings::network::Network;
use crate::settings::sources::Sources;
use crate::settings::target::{Target, is_label};

pub fn run(action: ConfigAction, context: &mut Context) -> Result<Ending, CommandError> {
    let (flags, environment, json) = (context.flags, context.environment, context.output().json);
    // `path` has to work whatever else is broken.
    let variables = Layer::from_valid_variables(environment);
    let path = ConfigPath::find(flags, &variables, environment);
    let text = match action {
        ConfigAction::Path => {
            let path = path.path().ok_or_else(no_path)?;
            let found = Details::Path { exists: path.exists() };
            if json { document("vescli.config-path/1", path, found) } else { format!("{}\n", shown(path)) }
        }
        ConfigAction::Init => init(path.path().ok_or_else(no_path)?, flags, json)?,
        ConfigAction::Show => {
            let file = required(&path)?;
            let text = without_passwords(file.text.clone(), &file);
            if json {
                document("vescli.config-show/1", &file.path, Details::Text { text: &text })
            } else {
                escape_document(&text)
            }
        }
        ConfigAction::Check => check(&path, environment, json)?,
        ConfigAction::Profiles => profiles(&required(&path)?, flags, &variables, json)?,
        ConfigAction::Explain => explain(context, &path)?,
    };
    context.print(&text)
}

#[derive(Serialize)]
#[serde(untagged)]
enum Details<'a> {
    Path { exists: bool },
    Written { written: bool },
    Text { text: &'a str },
    Checked { profiles: Vec<&'a str> },
    Profiles { profiles: Vec<&'a str>, chosen: Option<&'a str> },
}

fn document(schema: &'static str, path: &Path, details: Details) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        path: String,
        #[serde(flatten)]
        details: Details<'a>,
    }
    success(schema, Document { path: path.display().to_string(), details })
}

fn names(file: &ConfigFile) -> Vec<&str> {
    file.profiles.keys().map(String::as_str).collect()
}

fn shown(path: &Path) -> String {
    escape_uncut(&path.to_string_lossy())
}

fn no_path() -> CommandError {
    let message = "no configuration file is used: `--config none` was given, or there is no home folder";
    CommandError::usage(message, "name a file with --config FILE")
}

fn required(path: &ConfigPath) -> Result<ConfigFile, CommandError> {
    Ok(ConfigFile::read(path.path().ok_or_else(no_path)?)?)
}

fn init(path: &Path, flags: &Layer, json: bool) -> Result<String, CommandError> {
    let text = first_text(flags)?;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => CommandError::usage(
            format!("{} exists already and was not changed", path.display()),
            "edit it, or name another file with --config",
        ),
        _ => CommandError::Io(format!("{} cannot be written: {error}", path.display())),
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    if json {
        return Ok(document("vescli.config-init/1", path, Details::Written { written: true }));
    }
    let next = match flags.get(Setting::Tenant) {
        Some(_) => "try it with `vescli doctor`",
        None => "put your tenant there, then run `vescli config check`",
    };
    Ok(format!("{}: written; {next}\n", shown(path)))
}

/// The text of a first file, with the values of the flags.
fn first_text(flags: &Layer) -> Result<String, CommandError> {
    let tenant = flags.text(Setting::Tenant).unwrap_or_else(|| "example-corp".to_owned());
    if !is_label(&tenant) {
        let message = format!("--tenant: `{}` is not one DNS label", tenant.escape_debug());
        return Err(CommandError::usage(message, "give only the first part of the console's host name"));
    }
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let optional = |key: &str, value: Option<String>, example: &str| match value {
        Some(value) => format!("{key} = {}\n", quoted(&value)),
        None => format!("# {key} = {example}\n"),
    };
    Ok(format!(
        "# vescli: `vescli help config` explains every key. Do not put a secret in here.\ndefault_profile = \"prod\"\n\n\
         [defaults]\n# timeout = \"30s\"\n\n[profiles.prod]\ntenant = {}\n{}{}",
        quoted(&tenant),
        optional("cname", flags.text(Setting::Cname), "\"example\""),
        optional("token_file", flags.text(Setting::TokenFile), "\"~/.config/vescli/prod.token\"   # chmod 600"),
    ))
}

/// The text of a file without the users and passwords of its proxies, wherever they are.
fn without_passwords(mut text: String, file: &ConfigFile) -> String {
    let layers = file.profiles.values().map(|profile| &profile.layer);
    for layer in layers.chain([&file.defaults]) {
        let Some(given) = layer.get(Setting::Proxy) else {
            continue;
        };
        let url = given.value.to_string();
        let Some((before, _)) = url.rsplit_once('@') else {
            continue;
        };
        let user = before.split_once("://").map_or(before, |(_, user)| user);
        let password = user.split_once(':').map(|(_, password)| password);
        let redactor = Redactor::new(password.map(|text| Secret::new(text.to_owned())));
        text = redactor.redact(&text.replace(&format!("{user}@"), "***@"));
    }
    text
}

fn check(path: &ConfigPath, environment: &Environment, json: bool) -> Result<String, CommandError> {
    let file = required(path)?;
    let profiles = names(&file);
    for name in &profiles {
        check_profile(&file.path, name, environment)?;
    }
    if json {
        return Ok(document("vescli.config-check/1", &file.path, Details::Checked { profiles }));
    }
    let count = counted(profiles.len() as u64, "profile");
    Ok(format!("{}: valid, {count} ({})\n", shown(&file.path), escape_uncut(&profiles.join(", "))))
}

/// Checks the values of one profile as a run with it would; missing ones may come from a flag.
fn check_profile(path: &Path, name: &str, environment: &Environment) -> Result<(), CommandError> {
    let mut flags = Layer::default();
    flags.set(Setting::Config, Value::Text(path.to_string_lossy().into_owned()), Origin::Flag("config"));
    flags.set(Setting::Profile, Value::Text(name.to_owned()), Origin::Flag("profile"));
    let sources = Sources::gather(&flags, environment)?.file_alone();
    match Settings::resolve(&sources, environment) {
        Ok(_) | Err(SettingsError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn profiles(file: &ConfigFile, flags: &Layer, variables: &Layer, json: bool) -> Result<String, CommandError> {
    let named = flags.text(Setting::Profile).or_else(|| variables.text(Setting::Profile));
    if let Some(name) = &named {
        file.layers_of(Some(name))?;
    }
    let chosen = named.as_deref().or_else(|| file.implied_profile());
    if json {
        let details = Details::Profiles { profiles: names(file), chosen };
        return Ok(document("vescli.profiles/1", &file.path, details));
    }
    let line = |name: &String| {
        let mark = if Some(name.as_str()) == chosen { "*" } else { " " };
        format!("{mark} {}\n", escape_uncut(name))
    };
    Ok(file.profiles.keys().map(line).collect())
}

/// What `config explain` prints: every setting with its value and where it comes from; of a secret, its length. Some
/// values follow from others: the chosen file and profile, the cname of the tenant, the proxy and certificates of the
/// environment.
#[derive(Serialize)]
struct ConfigDocument<'a> {
    profile: Option<&'a str>,
    settings: &'a [Explained],
}

#[derive(Serialize)]
struct Explained {
    key: String,
    value: Option<String>,
    origin: Option<String>,
}

/// A value, if there is one, and its origin.
type Effective = (Option<String>, Option<String>);

fn explain(context: &Context, path: &ConfigPath) -> Result<String, CommandError> {
    let sources = Sources::gather(context.flags, context.environment)?;
    let values = Values { context, path, sources: &sources };
    let mut settings = Vec::new();
    let mut add = |key: &str, (value, origin): Effective| {
        settings.push(Explained { key: key.to_owned(), value, origin });
    };
    let is_shown = |spec: &&SettingSpec| spec.group.is_explained() && (spec.group != Group::Bulk || spec.in_file());
    for spec in specs().filter(is_shown) {
        add(&spec.name(), values.of(spec.setting)?);
        if spec.setting == Setting::Cacert {
            add("trust", values.trust());
        }
    }
    add("url", values.url());
    add("credential", values.credential());
    if context.output().json {
        let profile = sources.profile.as_deref();
        return Ok(success("vescli.config/1", ConfigDocument { profile, settings: &settings }));
    }
    let style = context.reporter.out_style();
    let profile = escape_uncut(sources.profile.as_deref().unwrap_or("none"));
    let mut text = format!("{}\n", style.heading(&format!("profile: {profile}")));
    for Explained { key, value, origin } in settings {
        let value = escape_uncut(value.as_deref().unwrap_or("-"));
        let origin = origin.map_or_else(String::new, |origin| format!("  {}", style.dim(&escape_uncut(&origin))));
        text.push_str(&format!("{key:<21} {value}{origin}\n"));
    }
    Ok(text)
}

fn value(value: impl Into<String>, origin: impl Into<String>) -> Effective {
    (Some(value.into()), Some(origin.into()))
}

/// A value with an error is shown and does not end the command: this is where people look for the reason.
fn unusable(error: &impl std::fmt::Display) -> Effective {
    (Some(format!("not usable: {error}")), None)
}

struct Values<'a> {
    context: &'a Context<'a>,
    path: &'a ConfigPath,
    sources: &'a Sources,
}

impl Values<'_> {
    fn of(&self, key: Setting) -> Result<Effective, CommandError> {
        let given = self.sources.pick(key).map(|given| value(given.value.to_string(), given.origin.to_string()));
        Ok(match key {
            Setting::Config => Some(self.file()),
            Setting::Profile => Some(self.profile()?),
            Setting::Proxy => self.proxy(),
            Setting::Cname => given.or_else(|| {
                let (tenant, origin) = self.sources.text(Setting::Tenant)?;
                Some(value(tenant, format!("same as tenant: {origin}")))
            }),
            Setting::Noproxy => given.or_else(|| self.first_variable(&["no_proxy", "NO_PROXY"])),
            _ => given,
        }
        .unwrap_or_default())
    }

    fn origin(&self, key: Setting) -> Option<String> {
        self.sources.pick(key).map(|given| given.origin.to_string())
    }

    fn file(&self) -> Effective {
        let path = self.path.path().map(|path| path.display().to_string());
        match (path, self.origin(Setting::Config), &self.sources.config) {
            (path, Some(origin), _) => value(path.unwrap_or_else(|| "none".to_owned()), origin),
            (None, None, _) => value("none", "there is no home folder"),
            (Some(path), None, ConfigState::Absent(_)) => value("none", format!("there is no file at {path}")),
            (Some(path), None, _) => {
                let xdg = self.context.environment.get("XDG_CONFIG_HOME");
                let is_xdg = !cfg!(windows) && xdg.is_some_and(|folder| path.starts_with(&*folder.to_string_lossy()));
                value(path, if is_xdg { "XDG_CONFIG_HOME" } else { "the usual place" })
            }
        }
    }

    fn profile(&self) -> Result<Effective, CommandError> {
        let Some(profile) = &self.sources.profile else {
            return Ok(match &self.sources.config {
                ConfigState::Unchosen(_, names) if !names.is_empty() => {
                    (None, Some(format!("none is chosen: {}", names.join(", "))))
                }
                _ => Effective::default(),
            });
        };
        let is_default =
            || Ok::<_, SettingsError>(self.path.read()?.is_some_and(|file| file.default_profile.is_some()));
        let origin = match self.origin(Setting::Profile) {
            Some(origin) => origin,
            None if is_default()? => "default_profile".to_owned(),
            None => "the only one in the file".to_owned(),
        };
        Ok(value(profile, origin))
    }

    fn proxy(&self) -> Option<Effective> {
        let network = match Network::resolve(self.sources, self.context.environment) {
            Ok(network) => network,
            Err(error) => return Some(unusable(&error)),
        };
        let Some(proxy) = &network.proxy else {
            // An empty value means none on purpose.
            let (_, origin) = self.sources.text(Setting::Proxy)?;
            return Some(value("none", origin.to_string()));
        };
        let mut shown = proxy.shown.clone();
        let target = Target::resolve(self.sources).ok();
        if let Some((url, target)) =
            target.and_then(|target| Some((operation::url(&SEND_PASSWORD_EMAIL, &target).ok()?, target)))
        {
            if let Err(error) = network.check(&target, self.sources) {
                return Some(unusable(&error));
            }
            if network.proxy_for(&url).is_none() {
                shown.push_str(", not used for this host");
            }
        }
        Some(value(shown, proxy.origin.to_string()))
    }

    fn first_variable(&self, names: &[&str]) -> Option<Effective> {
        let found = names.iter().find_map(|name| Some((self.context.environment.get(name)?, *name)));
        found.map(|(text, name)| value(text.to_string_lossy(), name))
    }

    /// Where trusted certificates come from, besides those of `cacert`.
    fn trust(&self) -> Effective {
        let variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
        let named: Vec<Effective> = variables.iter().filter_map(|name| self.first_variable(&[name])).collect();
        if named.is_empty() {
            return value("the system's store", "built in");
        }
        let (values, origins): (Vec<_>, Vec<_>) = named.into_iter().unzip();
        let joined = |texts: Vec<Option<String>>| texts.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        value(joined(values), joined(origins))
    }

    /// The URL that requests go to, once enough is known of it.
    fn url(&self) -> Effective {
        let target = Target::resolve(self.sources).ok();
        let url = target.and_then(|target| operation::url(&SEND_PASSWORD_EMAIL, &target).ok());
        (url.map(|url| url.to_string()), None)
    }

    /// What can be said of a credential without showing it. A command is not run only to count its characters.
    fn credential(&self) -> Effective {
        let environment = self.context.environment;
        let Ok(target) = Target::resolve(self.sources) else {
            return (Some("not known: there is no target yet".to_owned()), None);
        };
        let plan = match CredentialPlan::resolve(self.sources, environment, &target) {
            Ok(plan) => plan,
            Err(error) => return unusable(&error),
        };
        let token = plan.token.as_ref().map(|(source, origin)| {
            let text = match source {
                TokenSource::Command { words, .. } => format!("from the command {}", words.join(" ")),
                TokenSource::Stdin => "from standard input".to_owned(),
                TokenSource::Variable(..) | TokenSource::File(_) => match source.read(origin, environment) {
                    Ok(secret) => secret.to_string(),
                    Err(error) => format!("not usable: {error}"),
                },
            };
            (text, origin)
        });
        let identity = plan.certificate.as_ref().map(|(source, origin)| (identity_text(source), origin));
        let (texts, origins): (Vec<String>, Vec<_>) = token.into_iter().chain(identity).unzip();
        ((!texts.is_empty()).then(|| texts.join("; ")), origins.first().map(ToString::to_string))
    }
}

/// A client certificate by its file, and where its password comes from.
fn identity_text(source: &ClientCertificateSource) -> String {
    let (file, more) = match source {
        ClientCertificateSource::Pem { cert, key, .. } if cert == key => (cert, String::new()),
        ClientCertificateSource::Pem { cert, key, .. } => (cert, format!(" with the key {}", key.display())),
        ClientCertificateSource::P12 { file, password: Some((PasswordSource::Variable(_, secret), origin)) } => {
            (file, format!(" with the password of {origin} ({secret})"))
        }
        ClientCertificateSource::P12 { file, password: Some((PasswordSource::File(path), origin)) } => {
            (file, format!(" with the password in {} ({origin})", path.display()))
        }
        ClientCertificateSource::P12 { file, password: None } => (file, " without a password".to_owned()),
    };
    format!("client certificate {}{more}", file.display())
}
