//! The curl command that sends the same request. The credential is read by the shell from `$VESCLI_TOKEN` or a file,
//! and handed to curl through a pipe, so that it stands in no argument list and no history.

use std::path::Path;

use crate::api::recipient::is_invisible;
use crate::api::request::ApiRequest;
use crate::cli::args::layer::Origin;
use crate::settings::credential::{CredentialPlan, TokenSource};
use crate::settings::identity_source::{IdentitySource, PasswordSource};
use crate::settings::network::Network;
use crate::settings::proxy::ProxySetting;

/// Makes a password a text in a file of curl's, where quotes and backslashes have to be escaped.
const ESCAPE: &str = r#"sed 's/[\\"]/\\&/g'"#;

/// The command for bash or zsh, on several lines.
#[must_use]
pub fn command(request: &ApiRequest, credential: &CredentialPlan, network: &Network) -> String {
    // `--disable` first: a ~/.curlrc must not change the request.
    let mut words = vec!["curl --disable --silent --show-error --include".to_owned()];
    words_of_network(request, network, &mut words);
    if let Some((source, _)) = &credential.identity {
        words_of_identity(source, &mut words);
    }
    let mut add = |flag: &str, value: &str| words.push(format!("{flag} {}", quote(value)));
    for (name, value) in request.headers {
        add("--header", &format!("{name}: {value}"));
    }
    add("--data-raw", &request.body);
    if let Some((source, _)) = &credential.token {
        let token = token(source);
        words.push(format!(
            "--header @<(printf 'authorization: APIToken %s\\n' \"{token}\")"
        ));
    }
    words.push(quote(request.url.as_str()));
    let command = words.join(" \\\n  ");
    let remark = if hidden_proxy(request, network) {
        "# put the proxy's user and password in the place of ***\n"
    } else {
        ""
    };
    format!("{remark}{command}\n")
}

/// The certificate with its key. The password of a PKCS#12 file goes to curl through a pipe, as the token does.
fn words_of_identity(source: &IdentitySource, words: &mut Vec<String>) {
    match source {
        IdentitySource::Pem { cert, key, .. } => {
            words.push(format!("--cert {}", quote(&certificate_file(cert))));
            words.push(format!("--key {}", quote(&key.to_string_lossy())));
        }
        IdentitySource::P12 { file, password } => {
            words.push("--cert-type P12".to_owned());
            words.push(format!("--cert {}", quote(&certificate_file(file))));
            let text = match password {
                Some((PasswordSource::Variable(name, _), _)) => {
                    format!(r#"$(printf '%s\n' "${name}" | {ESCAPE})"#)
                }
                Some((PasswordSource::File(path), _)) => {
                    format!("$({ESCAPE} {})", quote(&path.to_string_lossy()))
                }
                None => return,
            };
            words.push(format!(r#"--config <(printf 'pass = "%s"\n' "{text}")"#));
        }
    }
}

/// curl takes what follows a colon for a password.
fn certificate_file(path: &Path) -> String {
    path.to_string_lossy()
        .replace('\\', "\\\\")
        .replace(':', "\\:")
}

/// A proxy with its password is named by its variable; one from a flag or a file has to be completed by hand.
fn proxy_word(proxy: &ProxySetting) -> String {
    match &proxy.origin {
        Origin::Variable(name) | Origin::ForeignVariable(name) if proxy.has_credentials() => {
            format!("--proxy \"${name}\"")
        }
        _ => format!("--proxy {}", quote(&proxy.shown)),
    }
}

fn hidden_proxy(request: &ApiRequest, network: &Network) -> bool {
    network.proxy_for(&request.url).is_some_and(|proxy| {
        let by_variable = matches!(
            proxy.origin,
            Origin::Variable(_) | Origin::ForeignVariable(_)
        );
        proxy.has_credentials() && !by_variable
    })
}

fn words_of_network(request: &ApiRequest, network: &Network, words: &mut Vec<String>) {
    let mut add = |flag: &str, value: &str| words.push(format!("{flag} {}", quote(value)));
    add("--request", "POST");
    add("--proto", "=http,https");
    add("--max-time", &seconds(network.timeout));
    add("--connect-timeout", &seconds(network.connect_timeout));
    if let Some(path) = &network.cacert {
        add("--cacert", &path.to_string_lossy());
    }
    for given in &network.resolve {
        let address = match given.address {
            std::net::IpAddr::V6(address) => format!("[{address}]"),
            std::net::IpAddr::V4(address) => address.to_string(),
        };
        add(
            "--resolve",
            &format!("{}:{}:{address}", given.host, given.port),
        );
    }
    match network.proxy_for(&request.url) {
        Some(proxy) => words.push(proxy_word(proxy)),
        // curl would look into the variables by itself.
        None => words.push("--noproxy '*'".to_owned()),
    }
}

fn seconds(time: std::time::Duration) -> String {
    format!("{}", time.as_secs_f64())
}

fn token(source: &TokenSource) -> String {
    match source {
        TokenSource::Variable(name, _) => format!("${name}"),
        TokenSource::Stdin => "$VESCLI_TOKEN".to_owned(),
        TokenSource::File(path) => format!("$(cat {})", quote(&path.to_string_lossy())),
        TokenSource::Command(words) => {
            let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
            format!("$({})", words.join(" "))
        }
    }
}

/// One word for the shell. What would steer the terminal that it is shown on is written as `$'...'`, which bash and zsh
/// read back as the exact text. A NUL cannot stand in any; it cannot come from a checked value either.
fn quote(word: &str) -> String {
    if word.chars().any(is_invisible) && !word.contains('\0') {
        let mut quoted = "$'".to_owned();
        for c in word.chars() {
            match c {
                '\'' | '\\' => quoted.extend(['\\', c]),
                c if is_invisible(c) => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
                c => quoted.push(c),
            }
        }
        return quoted + "'";
    }
    shlex::try_quote(word).map_or_else(|_| "''".to_owned(), std::borrow::Cow::into_owned)
}
