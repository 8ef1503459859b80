//! Variables that try to lead the request, and the token with it, to another host. A plain fast loop: five million sets
//! take `VESCLI_CASES=5000000 cargo test --test properties url`.

use url::Url;
use vescli::api::operation::{SEND_PASSWORD_EMAIL, url};
use vescli::settings::target::{BaseUrl, Target, UrlVariables, is_label};

use crate::cases;

const CONSOLES: [&str; 2] = ["console.ves.volterra.io", "staging.volterra.us"];

/// What a variable is put together from: everything that means something in a URL, or is turned into such.
const PIECES: [&str; 44] = [
    "a",
    "example-corp",
    "0",
    "-",
    "--",
    "A",
    "_",
    "~",
    "",
    ".",
    "..",
    "/",
    "//",
    "\\",
    "?",
    "#",
    "@",
    ":",
    ":443",
    ":80",
    "user:pw@",
    "evil.example",
    "evil.example/",
    "@evil.example",
    "evil.example#",
    "evil.example?",
    "%2f",
    "%40",
    "%2e",
    "%00",
    "\t",
    "\n",
    "\r",
    "\0",
    " ",
    "\u{3002}",
    "\u{ff0e}",
    "\u{ff0f}",
    "\u{ff41}",
    "\u{ad}",
    "\u{200d}",
    "xn--a",
    "[::1]",
    "127.0.0.1",
];

const WORDS: [&str; 6] = ["example-corp", "api", "production", "us-east-1", "default", "a"];

fn one<'a>(random: &mut fastrand::Rng, list: &[&'a str]) -> &'a str {
    list[random.usize(..list.len())]
}

/// Mostly a good word, because a set with several bad ones says less than one with a single bad one.
fn variable(random: &mut fastrand::Rng) -> String {
    if random.u8(..4) != 0 {
        return one(random, &WORDS).to_owned();
    }
    (0..random.usize(1..4)).map(|_| one(random, &PIECES)).collect()
}

fn console(random: &mut fastrand::Rng) -> String {
    let mut console = one(random, &CONSOLES).to_owned();
    match random.u8(..8) {
        0 => console.push_str(one(random, &PIECES)),
        1 => console.insert_str(0, one(random, &PIECES)),
        2 => console = variable(random),
        _ => {}
    }
    console
}

fn variables(random: &mut fastrand::Rng) -> UrlVariables {
    UrlVariables {
        tenant: variable(random),
        console: console(random),
        prefix: variable(random),
        environment: variable(random),
        region: variable(random),
        namespace: variable(random),
    }
}

/// Whether the request goes to the tenant's own host, as far as a reader can see: from the text of the URL alone,
/// and from the parts that the client connects to.
fn is_at_home(url: &Url, variables: &UrlVariables) -> bool {
    let UrlVariables { tenant, console, prefix, environment, region, namespace } = variables;
    let text = format!(
        "https://{tenant}.{console}/api/v1/{prefix}/{environment}/{region}/namespaces/{namespace}/no_auth/send_password_email"
    );
    let host = url.host_str().unwrap_or_default();
    let label = CONSOLES.iter().find_map(|console| host.strip_suffix(console)?.strip_suffix('.'));
    url.as_str() == text && label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
}

/// What a plain `format!` would have done: the proof that the sets are hostile.
fn strays_when_formatted(variables: &UrlVariables) -> bool {
    let UrlVariables { tenant, console, .. } = variables;
    let Ok(url) = Url::parse(&format!("https://{tenant}.{console}/api/v1")) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    !CONSOLES.iter().any(|console| host.ends_with(&format!(".{console}")))
}

#[test]
fn url_variables_never_lead_to_another_host() {
    let sets = cases(20_000);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut accepted, mut strayed) = (0_u32, 0_u32);
    for set in 0..sets {
        let variables = variables(&mut random);
        strayed += u32::from(strays_when_formatted(&variables));
        // The grammar is passed by on purpose: the comparison alone has to be enough.
        if let Ok(url) = url(&SEND_PASSWORD_EMAIL, &Target::Published(variables.clone())) {
            accepted += 1;
            assert!(is_at_home(&url, &variables), "seed {seed}, set {set}: {variables:?} goes to {url}");
        }
    }
    assert!(accepted > sets / 20, "hardly any set is accepted: {accepted} of {sets}");
    assert!(strayed > sets / 20, "hardly any set is hostile: {strayed} of {sets}");
    println!("{sets} sets, {accepted} accepted, all at home; a plain format! went astray with {strayed}");
}

#[test]
fn url_labels_are_all_accepted() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..cases(20_000) {
        let label: String =
            (0..random.usize(1..64)).map(|_| random.choice(b"abcxyz019-").copied().map_or('a', char::from)).collect();
        let mut variables = variables(&mut fastrand::Rng::with_seed(0));
        for part in [&mut variables.prefix, &mut variables.region, &mut variables.namespace, &mut variables.environment]
        {
            "a".clone_into(part);
        }
        CONSOLES[0].clone_into(&mut variables.console);
        variables.tenant.clone_from(&label);
        // `xn--` is the mark of a name in another script, and what follows it must be one.
        if is_label(&label) && !label.starts_with("xn--") {
            assert!(url(&SEND_PASSWORD_EMAIL, &Target::Published(variables)).is_ok(), "seed {seed}: {label}");
        }
    }
}

#[test]
fn url_bases_lead_where_they_say() {
    let sets = cases(20_000);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut accepted = 0_u32;
    for set in 0..sets {
        let scheme = one(&mut random, &["https://", "https://", "https://", "http://", "https:", "HTTPS://", ""]);
        let text = format!(
            "{scheme}{}.{}{}",
            variable(&mut random),
            console(&mut random),
            one(&mut random, &["", "/", "/api", "/a/b", "/a/../b"])
        );
        let Ok(base) = BaseUrl::parse(&text) else {
            continue;
        };
        accepted += 1;
        let url = url(&SEND_PASSWORD_EMAIL, &Target::Base(base))
            .unwrap_or_else(|error| panic!("seed {seed}, set {set}: {text:?} is a base URL, and then {error}"));
        // What a reader takes for the host: all between the slashes.
        let (_, rest) = text.split_once("://").unwrap();
        let authority = rest.split('/').next().unwrap().to_ascii_lowercase();
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let reached = format!("{}{port}", url.host_str().unwrap());
        let usual = if url.scheme() == "https" { ":443" } else { ":80" };
        let written = authority.strip_suffix(usual).unwrap_or(&authority);
        assert_eq!(reached, written, "seed {seed}, set {set}: {text:?} goes to {url}");
        assert!(
            url.path().ends_with("/no_auth/send_password_email") && url.query().is_none() && url.fragment().is_none()
        );
        assert!(url.username().is_empty() && url.password().is_none());
    }
    assert!(accepted > sets / 20, "hardly any base URL is accepted: {accepted} of {sets}");
}
