//! The rows that say what is sent, whereto, and as whom.

use super::keys::{Group, Key, Kind, Reach, Row};

/// Request, target and credential.
pub(super) static ROWS: &[Row] = &[
    Row::new(
        Key::Email,
        Group::Request,
        "email",
        Kind::Text("ADDR"),
        "Address of the person who gets the link",
    )
    .short('e'),
    Row::new(
        Key::Cname,
        Group::Request,
        "cname",
        Kind::Text("NAME"),
        "Domain under which the tenant belongs [default: the tenant]",
    ),
    Row::new(
        Key::AllowAnyEmail,
        Group::Request,
        "allow-any-email",
        Kind::Switch,
        "Accept an address that the published pattern refuses",
    ),
    Row::new(
        Key::Profile,
        Group::Target,
        "profile",
        Kind::Text("NAME"),
        "Profile of the configuration file to use",
    )
    .short('p')
    .reach(Reach::RunOnly),
    Row::new(
        Key::Config,
        Group::Target,
        "config",
        Kind::File,
        "Configuration file to read; `none` reads no file",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Tenant,
        Group::Target,
        "tenant",
        Kind::Text("LABEL"),
        "Tenant: the first label of the console's host name",
    )
    .f5("F5XC_TENANT"),
    Row::new(
        Key::Region,
        Group::Target,
        "region",
        Kind::Text("LABEL"),
        "Region in the URL",
    )
    .default("us-east-1")
    .f5("F5XC_REGION"),
    Row::new(
        Key::Environment,
        Group::Target,
        "environment",
        Kind::Choice(&["production", "staging", "development"]),
        "Environment in the URL",
    )
    .default("production")
    .f5("F5XC_ENVIRONMENT"),
    Row::new(
        Key::Namespace,
        Group::Target,
        "namespace",
        Kind::Text("LABEL"),
        "Namespace in the URL",
    )
    .default("default")
    .f5("F5XC_DEFAULT_NAMESPACE"),
    Row::new(
        Key::Console,
        Group::Target,
        "console",
        Kind::Choice(&["console.ves.volterra.io", "staging.volterra.us"]),
        "Console that the tenant lives on",
    )
    .default("console.ves.volterra.io"),
    Row::new(
        Key::Prefix,
        Group::Target,
        "prefix",
        Kind::Text("LABEL"),
        "Prefix in the URL",
    )
    .default("api"),
    Row::new(
        Key::BaseUrl,
        Group::Target,
        "base-url",
        Kind::Text("URL"),
        "Everything before /no_auth/send_password_email, used as it stands",
    ),
    Row::new(
        Key::TokenFile,
        Group::Credential,
        "token-file",
        Kind::File,
        "File that holds the API token; `-` reads standard input",
    ),
    Row::new(
        Key::TokenCommand,
        Group::Credential,
        "token-command",
        Kind::List("WORD"),
        "Command that prints the API token, as an array of words; run without a shell",
    )
    .reach(Reach::FileOnly),
    Row::new(
        Key::TokenCommandTimeout,
        Group::Credential,
        "token-command-timeout",
        Kind::Duration,
        "Longest time for the token command",
    )
    .default("30s")
    .reach(Reach::FileOnly),
    Row::new(
        Key::NoAuth,
        Group::Credential,
        "no-auth",
        Kind::Switch,
        "Send no credential, even when one is configured",
    ),
    Row::new(
        Key::Cert,
        Group::Credential,
        "cert",
        Kind::File,
        "Client certificate and its chain (PEM)",
    )
    .f5("VOLT_API_CERT"),
    Row::new(
        Key::CertKey,
        Group::Credential,
        "key",
        Kind::File,
        "Private key of the client certificate (PEM)",
    )
    .f5("VOLT_API_KEY"),
    Row::new(
        Key::P12,
        Group::Credential,
        "p12",
        Kind::File,
        "Client certificate and key in one PKCS#12 file",
    )
    .alias("p12-bundle")
    .f5("VOLT_API_P12_FILE"),
    Row::new(
        Key::P12PasswordFile,
        Group::Credential,
        "p12-password-file",
        Kind::File,
        "File that holds the password of the PKCS#12 file",
    ),
];
