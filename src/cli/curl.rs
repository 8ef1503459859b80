//! The curl command that sends the same request. The credential is read by the shell from `$VESCLI_TOKEN` or a file,
//! and handed to curl through a pipe, so that it stands in no argument list and no history.

use crate::api::recipient::is_invisible;
use crate::api::request::ApiRequest;
use crate::settings::base_url::is_loopback;
use crate::settings::credential::{CredentialPlan, IdentitySource, TokenSource};
use crate::settings::network::Network;

/// The command for bash or zsh, on several lines.
#[must_use]
pub fn command(request: &ApiRequest, credential: &CredentialPlan, network: &Network) -> String {
    // `--disable` first: a ~/.curlrc must not change the request.
    let mut words = vec!["curl --disable --silent --show-error --include".to_owned()];
    let mut add = |flag: &str, value: &str| words.push(format!("{flag} {}", quote(value)));
    words_of_network(request, network, &mut add);
    match &credential.identity {
        Some((IdentitySource::Pem { cert, key }, _)) => {
            add("--cert", &cert.to_string_lossy());
            add("--key", &key.to_string_lossy());
        }
        None => {}
    }
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
    format!("{}\n", words.join(" \\\n  "))
}

fn words_of_network(request: &ApiRequest, network: &Network, add: &mut impl FnMut(&str, &str)) {
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
        Some(proxy) => add("--proxy", &proxy.shown),
        None if is_loopback(&request.url) || network.proxy.is_none() => add("--noproxy", "*"),
        None => {}
    }
    if let Some(list) = network
        .proxy_for(&request.url)
        .and_then(|proxy| proxy.noproxy.as_deref())
    {
        add("--noproxy", list);
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
