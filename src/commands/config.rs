//! `vescli config`: where the file is, what it contains, and where each value comes from.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use url::Url;

use super::Context;
use super::error::CommandError;
use crate::api::operation::{self, SEND_PASSWORD_EMAIL};
use crate::args::commands::ConfigAction;
use crate::args::environment::Environment;
use crate::args::layer::{Layer, Origin, Value};
use crate::args::settings_table::{Group, Setting, SettingSpec, specs};
use crate::report::escape::{Redactor, escape_document, escape_uncut, success};
use crate::report::exit::Ending;
use crate::report::json::document;
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
    // `path` must work even if other variables are not valid.
    let variables = Layer::from_valid_variables(context.environment);
    let config = ConfigPath::find(context.flags, &variables, context.environment);
    let (document, text) = if action == ConfigAction::Explain {
        explain(context, &config)?
    } else {
        let message = "no configuration file is used: `--config none` was given, or there is no home folder";
        let path = config.path().ok_or_else(|| CommandError::usage(message, "name a file with --config FILE"))?;
        about_file(action, path, context, &variables)?
    };
    context.print(if context.output().json { &document } else { &text })
}

/// The result of an action, as a document and as text.
fn about_file(
    action: ConfigAction,
    path: &Path,
    context: &Context,
    variables: &Layer,
) -> Result<(String, String), CommandError> {
    let (flags, environment) = (context.flags, context.environment);
    let name = path.display().to_string();
    let shown = escape_uncut(&path.to_string_lossy());
    if action == ConfigAction::Path {
        let document = success("vescli.config-path/1", document! { path: name, exists: path.exists() });
        return Ok((document, format!("{shown}\n")));
    }
    if action == ConfigAction::Init {
        init(path, flags)?;
        let next = match flags.get(Setting::Tenant) {
            Some(_) => "try it with `vescli doctor`",
            None => "put your tenant there, then run `vescli config check`",
        };
        let document = success("vescli.config-init/1", document! { path: name, written: true });
        return Ok((document, format!("{shown}: written; {next}\n")));
    }
    let file = ConfigFile::read(path)?;
    let profiles: Vec<&str> = file.profiles.keys().map(String::as_str).collect();
    Ok(match action {
        ConfigAction::Show => {
            let text = without_passwords(file.text.clone(), &file);
            (success("vescli.config-show/1", document! { path: name, text: &text }), escape_document(&text))
        }
        ConfigAction::Check => {
            for profile in &profiles {
                check_profile(path, profile, environment)?;
            }
            let (count, names) = (counted(profiles.len() as u64, "profile"), escape_uncut(&profiles.join(", ")));
            let document = success("vescli.config-check/1", document! { path: name, profiles: profiles });
            (document, format!("{shown}: valid, {count} ({names})\n"))
        }
        // `profiles`; the others are answered above.
        _ => {
            let named = flags.text(Setting::Profile).or_else(|| variables.text(Setting::Profile));
            if let Some(name) = &named {
                file.layers_of(Some(name))?;
            }
            let chosen = named.as_deref().or_else(|| file.implied_profile());
            let mark = |name: &str| if Some(name) == chosen { "*" } else { " " };
            let mut text = String::new();
            for name in &profiles {
                text.push_str(&format!("{} {}\n", mark(name), escape_uncut(name)));
            }
            (success("vescli.profiles/1", document! { path: name, profiles: profiles, chosen: chosen }), text)
        }
    })
}

fn init(path: &Path, flags: &Layer) -> Result<(), CommandError> {
    let text = first_text(flags)?;
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
    };
    write().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => CommandError::usage(
            format!("{} exists already and was not changed", path.display()),
            "edit it, or name another file with --config",
        ),
        _ => CommandError::io(format!("{} cannot be written: {error}", path.display())),
    })
}

/// The text for `config init`, with the values of the flags.
fn first_text(flags: &Layer) -> Result<String, CommandError> {
    let tenant = flags.text(Setting::Tenant);
    if let Some(tenant) = tenant.as_ref().filter(|tenant| !is_label(tenant)) {
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
         [defaults]\n# timeout = \"30s\"\n\n[profiles.prod]\n{}{}{}",
        // Not the example: a send right after this would go to a tenant of that name.
        optional("tenant", tenant, "\"example-corp\""),
        optional("cname", flags.text(Setting::Cname), "\"example\""),
        optional("token_file", flags.text(Setting::TokenFile), "\"~/.config/vescli/prod.token\"   # chmod 600"),
    ))
}

/// The text of a file without the users and passwords of its proxies.
fn without_passwords(mut text: String, file: &ConfigFile) -> String {
    let layers = file.profiles.values().map(|profile| &profile.layer);
    for url in layers.chain([&file.defaults]).filter_map(|layer| layer.text(Setting::Proxy)) {
        let Some((before, _)) = url.rsplit_once('@') else {
            continue;
        };
        let user = before.split_once("://").map_or(before, |(_, user)| user);
        let password = user.split_once(':').map(|(_, password)| Secret::new(password.to_owned()));
        text = Redactor::new(password).redact(&text.replace(&format!("{user}@"), "***@"));
    }
    text
}

/// Checks the values of one profile as a run does. A missing value is not an error: a flag may give it.
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

/// A value, if there is one, and its origin.
type Effective = (Option<String>, Option<String>);

/// What `config explain` prints: every setting with its value and its origin; for a secret, only its length. Some values
/// follow from others: the chosen file and profile, the cname from the tenant, the proxy and certificates from the
/// environment.
fn explain(context: &Context, path: &ConfigPath) -> Result<(String, String), CommandError> {
    let sources = Sources::gather(context.flags, context.environment)?;
    let values = Values { context, path, sources: &sources };
    let mut settings: Vec<(String, Effective)> = Vec::new();
    let is_shown = |spec: &&SettingSpec| spec.group.is_explained() && (spec.group != Group::Bulk || spec.in_file());
    for spec in specs().filter(is_shown) {
        settings.push((spec.name(), values.of(spec.setting)?));
        if spec.setting == Setting::Cacert {
            settings.push(("trust".to_owned(), values.trust()));
        }
    }
    settings.push(("url".to_owned(), (values.target().map(|(_, url)| url.to_string()), None)));
    settings.push(("credential".to_owned(), values.credential()));
    let style = context.reporter.out_style();
    let profile = escape_uncut(sources.profile.as_deref().unwrap_or("none"));
    let mut text = format!("{}\n", style.heading(&format!("profile: {profile}")));
    for (key, (value, origin)) in &settings {
        let value = escape_uncut(value.as_deref().unwrap_or("-"));
        let origin = origin.as_ref().map(|origin| format!("  {}", style.dim(&escape_uncut(origin))));
        text.push_str(&format!("{key:<21} {value}{}\n", origin.unwrap_or_default()));
    }
    let settings =
        settings.into_iter().map(|(key, (value, origin))| document! { key: key, value: value, origin: origin });
    let document = document! { profile: sources.profile.as_deref(), settings: settings.collect::<Vec<_>>() };
    Ok((success("vescli.config/1", document), text))
}

fn value(value: impl Into<String>, origin: impl Into<String>) -> Effective {
    (Some(value.into()), Some(origin.into()))
}

/// An error in a value is shown as the value and does not end the command: here people look for the reason.
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
            Setting::Noproxy => given.or_else(|| self.variables(&["no_proxy", "NO_PROXY"]).next()),
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
            (path, Some(origin), _) => value(path.as_deref().unwrap_or("none"), origin),
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
        let origin = match (&self.sources.config, self.origin(Setting::Profile)) {
            (_, Some(origin)) => origin,
            (ConfigState::Unchosen(_, names), None) if !names.is_empty() => {
                format!("none is chosen: {}", names.join(", "))
            }
            (ConfigState::Profile(..), None) => match self.path.read()?.and_then(|file| file.default_profile) {
                Some(_) => "default_profile".to_owned(),
                None => "the only one in the file".to_owned(),
            },
            _ => return Ok(Effective::default()),
        };
        Ok((self.sources.profile.clone(), Some(origin)))
    }

    fn proxy(&self) -> Option<Effective> {
        let network = match Network::resolve(self.sources, self.context.environment) {
            Ok(network) => network,
            Err(error) => return Some(unusable(&error)),
        };
        let Some(proxy) = &network.proxy else {
            // An empty value means "no proxy".
            return Some(value("none", self.sources.text(Setting::Proxy)?.1.to_string()));
        };
        let mut shown = proxy.shown.clone();
        if let Some((target, url)) = self.target() {
            if let Err(error) = network.check(&target, self.sources) {
                return Some(unusable(&error));
            }
            if network.proxy_for(&url).is_none() {
                shown.push_str(", not used for this host");
            }
        }
        Some(value(shown, proxy.origin.to_string()))
    }

    /// The values of those of these variables that are set.
    fn variables(&self, names: &'static [&'static str]) -> impl Iterator<Item = Effective> {
        names.iter().filter_map(|name| Some(value(self.context.environment.get(name)?.to_string_lossy(), *name)))
    }

    /// Where trusted certificates come from, besides those of `cacert`.
    fn trust(&self) -> Effective {
        let both = |(file, of_file): Effective, (folder, of_folder): Effective| {
            let joined = |one: Option<String>, other: Option<String>| Some(format!("{} and {}", one?, other?));
            (joined(file, folder), joined(of_file, of_folder))
        };
        let variables = self.variables(&["SSL_CERT_FILE", "SSL_CERT_DIR"]);
        variables.reduce(both).unwrap_or_else(|| value("the system's store", "built in"))
    }

    /// Where requests go; None if a setting is missing or not valid.
    fn target(&self) -> Option<(Target, Url)> {
        let target = Target::resolve(self.sources).ok()?;
        let url = operation::url(&SEND_PASSWORD_EMAIL, &target).ok()?;
        Some((target, url))
    }

    /// A description of the credential that does not show it. A token command is not run only to count its characters.
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
