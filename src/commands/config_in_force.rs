//! What is in force although no setting of that name says so: the file and the profile that were chosen, the cname of
//! the tenant, a proxy and certificates of the environment. Each with how it came to be.

use super::error::CommandError;
use crate::api::request;
use crate::args::environment::Environment;
use crate::args::layer::Layer;
use crate::args::settings_table::Setting;
use crate::settings::bulk::DEFAULT_RATE;
use crate::settings::config_file::ConfigFile;
use crate::settings::config_file::ConfigPath;
use crate::settings::error::SettingsError;
use crate::settings::network::Network;
use crate::settings::sources::Sources;
use crate::settings::target::Target;

/// A value, if there is one, and its origin.
pub(super) type InForce = (Option<String>, Option<String>);

/// What a setting comes to, for those that come to more than the strongest layer says.
pub(super) struct Choices<'a> {
    pub(super) flags: &'a Layer,
    pub(super) variables: &'a Layer,
    pub(super) environment: &'a Environment,
    pub(super) sources: &'a Sources,
}

impl Choices<'_> {
    /// What is in force for a key, if this is where it is decided.
    ///
    /// # Errors
    /// [`CommandError`] when the configuration file cannot be read a second time.
    pub(super) fn of(&self, key: Setting) -> Result<Option<InForce>, CommandError> {
        Ok(match key {
            Setting::Config => Some(self.file()?),
            Setting::Profile => Some(self.profile()?),
            Setting::Cname => self.cname(),
            Setting::Proxy => Some(self.proxy()),
            Setting::Noproxy => self.noproxy(),
            // No default of the table, because the sandbox has the same flag and none.
            Setting::Rate if self.sources.pick(Setting::Rate).is_none() => {
                Some((Some(DEFAULT_RATE.to_owned()), Some("built in".to_owned())))
            }
            _ => None,
        })
    }

    /// The origin of what a flag or a variable of this run says.
    fn asked(&self, key: Setting) -> Option<String> {
        let given = self.flags.get(key).or_else(|| self.variables.get(key));
        given.map(|given| given.origin.to_string())
    }

    fn path(&self) -> ConfigPath {
        ConfigPath::find(self.flags, self.variables, self.environment)
    }

    fn read(&self) -> Result<Option<ConfigFile>, CommandError> {
        Ok(self.path().read().map_err(SettingsError::from)?)
    }

    fn file(&self) -> Result<InForce, CommandError> {
        let path = self.path();
        let shown = path.path().map(|path| path.display().to_string());
        let none = || Some("none".to_owned());
        Ok(match (shown, self.asked(Setting::Config)) {
            (None, Some(origin)) => (none(), Some(origin)),
            (None, None) => (none(), Some("there is no home folder".to_owned())),
            (Some(path), Some(origin)) => (Some(path), Some(origin)),
            (Some(path), None) if self.read()?.is_none() => (none(), Some(format!("there is no file at {path}"))),
            (Some(path), None) => {
                let xdg = self.environment.get("XDG_CONFIG_HOME");
                let is_by_variable =
                    !cfg!(windows) && xdg.is_some_and(|folder| path.starts_with(&*folder.to_string_lossy()));
                let origin = if is_by_variable { "XDG_CONFIG_HOME" } else { "the usual place" };
                (Some(path), Some(origin.to_owned()))
            }
        })
    }

    fn profile(&self) -> Result<InForce, CommandError> {
        let Some(profile) = self.sources.profile.clone() else {
            let names: Vec<String> = self.read()?.map_or_else(Vec::new, |file| file.profiles.into_keys().collect());
            let why = (!names.is_empty()).then(|| format!("none is chosen: {}", names.join(", ")));
            return Ok((None, why));
        };
        let origin = match self.asked(Setting::Profile) {
            Some(origin) => origin,
            None => match self.read()?.and_then(|file| file.default_profile) {
                Some(_) => "default_profile".to_owned(),
                None => "the only one in the file".to_owned(),
            },
        };
        Ok((Some(profile), Some(origin)))
    }

    /// A cname that nothing gives is the tenant.
    fn cname(&self) -> Option<InForce> {
        if self.sources.pick(Setting::Cname).is_some() {
            return None;
        }
        let (tenant, origin) = self.sources.text(Setting::Tenant)?;
        Some((Some(tenant.to_owned()), Some(format!("as the tenant: {origin}"))))
    }

    fn proxy(&self) -> InForce {
        let network = match Network::resolve(self.sources, self.environment) {
            Ok(network) => network,
            // Event and not thrown: this command is where people look for the reason.
            Err(error) => return (Some(format!("not usable: {error}")), None),
        };
        let Some(proxy) = &network.proxy else {
            // An empty text stands for none on purpose.
            let given = self.sources.text(Setting::Proxy);
            let origin = given.map(|(_, origin)| origin.to_string());
            return (origin.as_ref().map(|_| "none".to_owned()), origin);
        };
        let origin = Some(proxy.origin.to_string());
        let target = Target::resolve(self.sources).ok();
        let addressed = target.and_then(|target| Some((request::url(&target).ok()?, target)));
        let Some((url, target)) = addressed else {
            return (Some(proxy.shown.clone()), origin);
        };
        if let Err(error) = network.check(&target, self.sources) {
            return (Some(format!("not usable: {error}")), None);
        }
        let value = match network.proxy_for(&url) {
            Some(_) => proxy.shown.clone(),
            None => format!("{}, not used for this host", proxy.shown),
        };
        (Some(value), origin)
    }

    fn noproxy(&self) -> Option<InForce> {
        if self.sources.pick(Setting::Noproxy).is_some() {
            return None;
        }
        self.first_variable(&["no_proxy", "NO_PROXY"])
    }

    fn first_variable(&self, names: &[&str]) -> Option<InForce> {
        let given = names.iter().find_map(|name| Some((self.environment.get(name)?, *name)));
        given.map(|(value, name)| (Some(value.to_string_lossy().into_owned()), Some(name.to_owned())))
    }

    /// Where trusted certificates come from, besides those of `cacert`.
    pub(super) fn trust(&self) -> InForce {
        let named: Vec<InForce> =
            ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().filter_map(|name| self.first_variable(&[name])).collect();
        if named.is_empty() {
            let store = "the system's store".to_owned();
            return (Some(store), Some("built in".to_owned()));
        }
        let (values, origins): (Vec<_>, Vec<_>) = named.into_iter().unzip();
        let joined = |texts: Vec<Option<String>>| {
            let texts: Vec<String> = texts.into_iter().flatten().collect();
            Some(texts.join(" and "))
        };
        (joined(values), joined(origins))
    }

    /// The URL that requests go to, once enough is known of it.
    pub(super) fn url(&self) -> InForce {
        let target = Target::resolve(self.sources).ok();
        let url = target.and_then(|target| request::url(&target).ok());
        (url.map(|url| url.to_string()), None)
    }
}
