//! The curl command that sends the same request; it works in bash, zsh, fish and dash. The shell reads a secret from the same
//! place as vescli, and `printf`, which is part of each of these shells, passes it to curl through a pipe. So no secret is in
//! an argument list or in the history.

use std::path::Path;

use super::escape::quote;
use crate::api::operation::ApiRequest;
use crate::args::layer::Origin;
use crate::settings::credential::CredentialPlan;
use crate::settings::credential::certificate::{ClientCertificateSource, PasswordSource};
use crate::settings::credential::token::TokenSource;
use crate::settings::network::{Network, ProxySetting};

/// What the user has to do if the command lacks the proxy's password.
pub const HIDDEN_PROXY: &str = "replace *** by the proxy's user and password before you run the command";

pub fn command(request: &ApiRequest, credential: &CredentialPlan, network: &Network) -> String {
    let proxy = network.proxy_for(&request.url);
    let variable = proxy.and_then(variable_of);
    // `--disable` first: a ~/.curlrc must not change the request.
    let mut words = vec!["curl --disable --silent --show-error --include".to_owned()];
    network_flags(network, &mut words);
    match proxy {
        Some(_) if variable.is_some() => {}
        Some(proxy) => words.push(format!("--proxy {}", quote(&proxy.shown))),
        // Without this, curl would use the proxy variables of the environment.
        None => words.push("--noproxy '*'".to_owned()),
    }
    let mut password = None;
    if let Some((source, _)) = &credential.certificate {
        password = certificate_flags(source, &mut words).map(of_password);
    }
    let mut add = |flag: &str, value: &str| words.push(format!("{flag} {}", quote(value)));
    for (name, value) in request.headers {
        add("--header", &format!("{name}: {value}"));
    }
    add("--data-raw", &request.body);
    let token = credential.token.as_ref().map(|(source, _)| of_token(source));
    let (before, flag) = pipe(token, password, variable.map(of_variable));
    words.extend(flag.map(str::to_owned));
    words.push(quote(request.url.as_str()));
    format!("{before}{}\n", words.join(" \\\n  "))
}

/// Whether the command needs a proxy password that no variable contains, and shows `***` instead.
pub fn lacks_password(request: &ApiRequest, network: &Network) -> bool {
    let proxy = network.proxy_for(&request.url);
    proxy.is_some_and(|proxy| proxy.has_credentials() && variable_of(proxy).is_none())
}

/// How curl gets the secrets: the text before `curl`, and the flag that makes curl read it. All secrets share curl's standard
/// input. A token alone is passed as a header line. More secrets are passed as a curl configuration file; in its quoted texts,
/// quotes and backslashes have to be escaped.
fn pipe(token: Option<Read>, password: Option<Read>, proxy: Option<Read>) -> (String, Option<&'static str>) {
    match (token, password, proxy) {
        (None, None, None) => (String::new(), None),
        (Some(Read { value, .. }), None, None) => {
            (format!("printf 'authorization: APIToken %s\\n' {value} |\n"), Some("--header @-"))
        }
        (token, password, proxy) => {
            let escape = format!("sed {}", quote(r#"s/[\\"]/\\&/g"#));
            let (mut format, mut values) = (String::new(), String::new());
            for (line, read) in [
                (r#"header = "authorization: APIToken %s""#, token),
                (r#"pass = "%s""#, password),
                (r#"proxy = "%s""#, proxy),
            ] {
                if let Some(Read { command, .. }) = read {
                    format.push_str(&format!("{line}\\n"));
                    values.push_str(&format!(" \"$({command} | {escape})\""));
                }
            }
            (format!("printf '{format}'{values} |\n"), Some("--config -"))
        }
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

/// Removes the line end, as vescli does.
fn of_output(command: &str) -> Read {
    Read { value: format!("\"$({command})\""), command: command.to_owned() }
}

fn of_file(path: &Path) -> Read {
    of_output(&format!("tr -d '\\r\\n' <{}", quote(&path.to_string_lossy())))
}

fn of_token(source: &TokenSource) -> Read {
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

/// Adds the flags for the certificate, and returns where its password comes from.
fn certificate_flags<'a>(source: &'a ClientCertificateSource, words: &mut Vec<String>) -> Option<&'a PasswordSource> {
    let mut add = |flag: &str, value: &str| words.push(format!("{flag} {}", quote(value)));
    match source {
        ClientCertificateSource::Pem { cert, key, .. } => {
            add("--cert", &certificate_file(cert));
            add("--key", &key.to_string_lossy());
            None
        }
        ClientCertificateSource::P12 { file, password } => {
            add("--cert-type", "P12");
            add("--cert", &certificate_file(file));
            password.as_ref().map(|(source, _)| source)
        }
    }
}

/// Escapes colons: curl takes the text after a colon for a password.
fn certificate_file(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "\\\\").replace(':', "\\:")
}

/// The variable that contains the proxy's URL with its password. If a flag or the file names the proxy, the user has to add the
/// password.
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
