//! The curl command that sends the same request, in a form that bash, zsh, fish and dash run alike. A secret is read by the
//! shell from where vescli reads it, and goes to curl through a pipe from `printf`, which is part of each of these shells:
//! so it is in no argument list and no history.

use std::path::Path;

use super::escape::quote;
use crate::api::operation::ApiRequest;
use crate::args::layer::Origin;
use crate::settings::credential::CredentialPlan;
use crate::settings::credential::certificate::{ClientCertificateSource, PasswordSource};
use crate::settings::credential::token::TokenSource;
use crate::settings::network::{Network, ProxySetting};

/// What has to be done with a printed command that lacks what only the user can add.
pub const HIDDEN_PROXY: &str = "replace *** by the proxy's user and password before you run the command";

pub fn command(request: &ApiRequest, credential: &CredentialPlan, network: &Network) -> String {
    let proxy = network.proxy_for(&request.url);
    let piped = Piped {
        token: credential.token.as_ref().map(|(source, _)| source),
        password: credential.certificate.as_ref().and_then(|(source, _)| password(source)),
        proxy: proxy.and_then(variable_of),
    };
    // `--disable` first: a ~/.curlrc must not change the request.
    let mut words = vec!["curl --disable --silent --show-error --include".to_owned()];
    network_flags(network, &mut words);
    match proxy {
        Some(_) if piped.proxy.is_some() => {}
        Some(proxy) => words.push(format!("--proxy {}", quote(&proxy.shown))),
        // Without this, curl would use the proxy variables of the environment.
        None => words.push("--noproxy '*'".to_owned()),
    }
    if let Some((source, _)) = &credential.certificate {
        certificate_flags(source, &mut words);
    }
    let mut add = |flag: &str, value: &str| words.push(format!("{flag} {}", quote(value)));
    for (name, value) in request.headers {
        add("--header", &format!("{name}: {value}"));
    }
    add("--data-raw", &request.body);
    let (before, flag) = piped.halves();
    words.extend(flag.map(str::to_owned));
    words.push(quote(request.url.as_str()));
    format!("{before}{}\n", words.join(" \\\n  "))
}

/// Whether the command needs a proxy password that no variable contains, and shows `***` instead.
pub fn lacks_password(request: &ApiRequest, network: &Network) -> bool {
    let proxy = network.proxy_for(&request.url);
    proxy.is_some_and(|proxy| proxy.has_credentials() && variable_of(proxy).is_none())
}

/// The secrets, as where the shell reads them. curl has one standard input for all of them.
struct Piped<'a> {
    token: Option<&'a TokenSource>,
    password: Option<&'a PasswordSource>,
    /// The variable with the proxy's URL.
    proxy: Option<&'a str>,
}

impl Piped<'_> {
    /// The text before curl, and the flag that makes curl read it.
    fn halves(&self) -> (String, Option<&'static str>) {
        // A token alone is a header line as it is; anything more goes as a file of settings, in whose quoted
        // texts quotes and backslashes have to be escaped.
        if self.password.is_none() && self.proxy.is_none() {
            return match self.token.map(token) {
                None => (String::new(), None),
                Some(Read { value, .. }) => {
                    (format!("printf 'authorization: APIToken %s\\n' {value} |\n"), Some("--header @-"))
                }
            };
        }
        let settings = [
            (r#"header = "authorization: APIToken %s""#, self.token.map(token)),
            (r#"pass = "%s""#, self.password.map(of_password)),
            (r#"proxy = "%s""#, self.proxy.map(of_variable)),
        ];
        let mut format = String::new();
        let mut values = String::new();
        for (line, read) in settings {
            if let Some(Read { command, .. }) = read {
                format.push_str(&format!("{line}\\n"));
                values.push_str(&format!(" \"$({command} | {})\"", escape()));
            }
        }
        (format!("printf '{format}'{values} |\n"), Some("--config -"))
    }
}

/// How the shell gets a secret: as a word, and as a command that prints it.
struct Read {
    value: String,
    command: String,
}

fn of_variable(name: &str) -> Read {
    Read { value: format!("\"${name}\""), command: format!("printf %s \"${name}\"") }
}

/// Line ends are dropped, as vescli drops them.
fn of_output(command: &str) -> Read {
    Read { value: format!("\"$({command})\""), command: command.to_owned() }
}

fn of_file(path: &Path) -> Read {
    of_output(&format!("tr -d '\\r\\n' <{}", quote(&path.to_string_lossy())))
}

fn token(source: &TokenSource) -> Read {
    match source {
        TokenSource::Variable(name, _) => of_variable(name),
        TokenSource::Stdin => of_output("tr -d '\\r\\n'"),
        TokenSource::File(path) => of_file(path),
        TokenSource::Command { words, .. } => {
            let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
            of_output(&words.join(" "))
        }
    }
}

fn of_password(source: &PasswordSource) -> Read {
    match source {
        PasswordSource::Variable(name, _) => of_variable(name),
        PasswordSource::File(path) => of_file(path),
    }
}

/// Makes a text one of curl's quoted texts: a backslash before each quote and backslash.
fn escape() -> String {
    format!("sed {}", quote(r#"s/[\\"]/\\&/g"#))
}

fn password(source: &ClientCertificateSource) -> Option<&PasswordSource> {
    match source {
        ClientCertificateSource::P12 { password, .. } => password.as_ref().map(|(source, _)| source),
        ClientCertificateSource::Pem { .. } => None,
    }
}

fn certificate_flags(source: &ClientCertificateSource, words: &mut Vec<String>) {
    match source {
        ClientCertificateSource::Pem { cert, key, .. } => {
            words.push(format!("--cert {}", quote(&certificate_file(cert))));
            words.push(format!("--key {}", quote(&key.to_string_lossy())));
        }
        ClientCertificateSource::P12 { file, .. } => {
            words.push("--cert-type P12".to_owned());
            words.push(format!("--cert {}", quote(&certificate_file(file))));
        }
    }
}

/// curl takes what follows a colon for a password.
fn certificate_file(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "\\\\").replace(':', "\\:")
}

/// The variable that contains a proxy with a password. One from a flag or a file has to be completed by hand.
fn variable_of(proxy: &ProxySetting) -> Option<&str> {
    match &proxy.origin {
        Origin::Variable(name) | Origin::ForeignVariable(name) if proxy.has_credentials() => Some(name),
        _ => None,
    }
}

fn network_flags(network: &Network, words: &mut Vec<String>) {
    let mut add = |flag: &str, value: &str| words.push(format!("{flag} {}", quote(value)));
    add("--request", "POST");
    add("--proto", "=http,https");
    add("--max-time", &network.timeout.as_secs_f64().to_string());
    add("--connect-timeout", &network.connect_timeout.as_secs_f64().to_string());
    if let Some(path) = &network.cacert {
        add("--cacert", &path.to_string_lossy());
    }
    for given in &network.resolve {
        let address = match given.address {
            std::net::IpAddr::V6(address) => format!("[{address}]"),
            std::net::IpAddr::V4(address) => address.to_string(),
        };
        add("--resolve", &format!("{}:{}:{address}", given.host, given.port));
    }
}
