//! Where the request goes: the variables of the published URL, or a base URL of the user's.

use super::base_url::BaseUrl;
use super::error::SettingsError;
use super::label::is_label;
use super::sources::{Level, Sources};
use crate::args::layer::ValueError;
use crate::args::settings_table::Setting;

/// Where the request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The published URL.
    Published(UrlVariables),
    /// A base URL of the user's.
    Base(BaseUrl),
}

/// The variables of the published URL. Each one is a label, the console is one of the two that exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlVariables {
    pub tenant: String,
    pub console: String,
    pub prefix: String,
    pub environment: String,
    pub region: String,
    pub namespace: String,
}

impl Target {
    /// Resolves the target.
    ///
    /// # Errors
    /// [`SettingsError`] when the tenant is missing or a value breaks its grammar.
    pub fn resolve(sources: &Sources) -> Result<Self, SettingsError> {
        if let Some(base) = base_url(sources)? {
            return Ok(Self::Base(base));
        }
        Ok(Self::Published(UrlVariables {
            tenant: label(sources, Setting::Tenant)?,
            console: word(sources, Setting::Console)?,
            prefix: label(sources, Setting::Prefix)?,
            environment: word(sources, Setting::Environment)?,
            region: label(sources, Setting::Region)?,
            namespace: label(sources, Setting::Namespace)?,
        }))
    }

    /// Scheme, host and port, which a credential is bound to.
    pub fn origin(&self) -> String {
        match self {
            Self::Published(variables) => published_origin(&variables.tenant, &variables.console),
            Self::Base(base) => base.url().origin().ascii_serialization(),
        }
    }

    /// The same from what decides it alone, so that a mistake in the path does not hide the host.
    ///
    /// # Errors
    /// [`SettingsError`] when no host is named, or the value that names it breaks its grammar.
    pub(super) fn origin_of(sources: &Sources) -> Result<String, SettingsError> {
        match base_url(sources)? {
            Some(base) => Ok(Self::Base(base).origin()),
            None => Ok(published_origin(&label(sources, Setting::Tenant)?, &word(sources, Setting::Console)?)),
        }
    }

    /// The host and the port that a connection is made to.
    pub fn host_and_port(&self) -> (String, u16) {
        match self {
            Self::Published(variables) => (format!("{}.{}", variables.tenant, variables.console), 443),
            Self::Base(base) => (
                base.url().host_str().unwrap_or_default().to_owned(),
                base.url().port_or_known_default().unwrap_or_default(),
            ),
        }
    }

    /// What is odd about the target, but no error.
    pub fn warnings(&self, sources: &Sources) -> Vec<String> {
        let Self::Base(base) = self else {
            return Vec::new();
        };
        let mut warnings = Vec::new();
        if base.ends_in_api() {
            warnings.push(format!(
                "the base URL {} ends in /api, as F5's other tools write it; this operation is hardly ever below /api",
                base.as_str()
            ));
        }
        let from_file = sources.pick_with_level(Setting::BaseUrl).is_some_and(|(level, _)| level == Level::File);
        for key in [
            Setting::Tenant,
            Setting::Region,
            Setting::Environment,
            Setting::Namespace,
            Setting::Console,
            Setting::Prefix,
        ] {
            if let Some((Level::Flag | Level::Variable, given)) = sources.pick_with_level(key)
                && from_file
            {
                warnings.push(format!(
                    "{} does not change the URL: the base URL {} decides it",
                    given.origin,
                    base.as_str()
                ));
            }
        }
        warnings
    }
}

fn published_origin(tenant: &str, console: &str) -> String {
    format!("https://{tenant}.{console}")
}

fn base_url(sources: &Sources) -> Result<Option<BaseUrl>, ValueError> {
    let Some((text, origin)) = sources.text(Setting::BaseUrl) else {
        return Ok(None);
    };
    BaseUrl::parse(text).map(Some).map_err(|error| ValueError {
        key: Setting::BaseUrl,
        origin: origin.clone(),
        reason: error.to_string(),
    })
}

/// The tenant, if it is given: part of the published URL, and a name to show with a base URL.
///
/// # Errors
/// [`SettingsError::Value`] when it is no label.
pub fn tenant(sources: &Sources) -> Result<Option<String>, SettingsError> {
    match label(sources, Setting::Tenant) {
        Ok(tenant) => Ok(Some(tenant)),
        Err(SettingsError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn label(sources: &Sources, key: Setting) -> Result<String, SettingsError> {
    let text = word(sources, key)?;
    if is_label(&text) {
        return Ok(text);
    }
    let hint = if text.contains('.') && key == Setting::Tenant {
        ": give the first part of the host name alone, such as `example-corp`"
    } else {
        ": it takes 1 to 63 lower-case letters, digits and inner hyphens, such as `example-corp`"
    };
    let origin = sources.text(key).map(|(_, origin)| origin.clone());
    let reason = format!("`{}` is not one DNS label{hint}", text.escape_debug());
    Err(origin.map_or_else(|| missing(sources, key), |origin| ValueError { key, origin, reason }.into()))
}

fn word(sources: &Sources, key: Setting) -> Result<String, SettingsError> {
    sources.text(key).map(|(text, _)| text.to_owned()).ok_or_else(|| missing(sources, key))
}

/// The error for a value that nothing gave.
pub(super) fn missing(sources: &Sources, key: Setting) -> SettingsError {
    SettingsError::Missing { key, config: sources.config.clone() }
}
