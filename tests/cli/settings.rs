//! What is set where, and what arrives at the server for it: precedence, the URL, and the request byte by byte.

use serde_json::Value;

use support::console::Console;
use support::harness::Vescli;
use support::server::Server;

const HOST: &str = "example-corp.console.ves.volterra.io";
const PATH: &str = "/api/v1/api/production/us-east-1/namespaces/default/no_auth/send_password_email";

/// The levels of `region`, the strongest first, each with what `config explain` says of it.
const LEVELS: [(&str, &str); 7] = [
    ("r-flag", "--region"),
    ("r-variable", "VESCLI_REGION"),
    ("r-profile", "[FOLDER]/config.toml:6:1 [profiles.child]"),
    ("r-parent", "[FOLDER]/config.toml:9:1 [profiles.parent]"),
    ("r-defaults", "[FOLDER]/config.toml:2:1 [defaults]"),
    ("r-foreign", "F5XC_REGION"),
    ("us-east-1", "built in"),
];

/// Everything from a level downwards. Lines that are left out stay as comments, so that places stay where they are.
fn from_level(level: usize, mut vescli: Vescli) -> Vescli {
    let line = |at: usize| {
        let mark = if at < level { "# " } else { "" };
        format!("{mark}region = \"{}\"", LEVELS[at].0)
    };
    let file = format!(
        "[defaults]\n{}\n\n[profiles.child]\nextends = \"parent\"\n{}\n\n[profiles.parent]\n{}\n\
         tenant = \"example-corp\"\n",
        line(4),
        line(2),
        line(3)
    );
    vescli = vescli.file("config.toml", file).env("VESCLI_PROFILE", "child");
    let config = vescli.folder().join("config.toml");
    vescli = vescli.env("VESCLI_CONFIG", config);
    if level == 0 {
        vescli = vescli.args(["--region", LEVELS[0].0]);
    }
    if level <= 1 {
        vescli = vescli.env("VESCLI_REGION", LEVELS[1].0);
    }
    if level <= 5 {
        vescli = vescli.env("F5XC_REGION", LEVELS[5].0);
    }
    vescli
}

#[test]
fn the_strongest_level_decides_what_arrives_at_the_server() {
    let console = Console::start(&[HOST]);
    for (level, (value, _)) in LEVELS.into_iter().enumerate() {
        from_level(level, console.send(&[])).run();
        assert_eq!(console.last().path, PATH.replace("us-east-1", value), "level {level}");
    }
}

#[test]
fn config_explain_names_the_level_with_its_place() {
    for (level, (value, origin)) in LEVELS.into_iter().enumerate() {
        let explain = || Vescli::new().args(["config", "explain"]);
        let line = format!("region                {value}  {origin}\n");
        from_level(level, explain()).stdout_contains(line).run();
        let json = from_level(level, explain().arg("--json"));
        let folder = json.folder().to_str().unwrap().to_owned();
        json.stdout_json(move |document| {
            assert_eq!(document["schema"], "vescli.config/1");
            let settings = document["settings"].as_array().unwrap();
            let region = settings.iter().find(|it| it["key"] == "region").unwrap();
            assert_eq!(region["value"], value);
            assert_eq!(region["origin"], origin.replace("[FOLDER]", &folder));
        })
        .run();
    }
}

#[test]
fn the_published_url_is_made_of_its_six_variables() {
    let host = "acme.staging.volterra.us";
    let console = Console::start(&[host]);
    let arguments = "--tenant acme --console staging.volterra.us --prefix pre --environment development \
                     --region eu-1 --namespace ns-2";
    console.send(&arguments.split(' ').collect::<Vec<_>>()).run();
    let request = console.server.request();
    assert_eq!(request.path, "/api/v1/pre/development/eu-1/namespaces/ns-2/no_auth/send_password_email");
    assert_eq!(request.header("host"), Some(host));
    let seen = console.server.connections().pop().unwrap();
    let handshake = seen.handshake.unwrap().unwrap();
    assert_eq!(handshake.server_name.as_deref(), Some(host));
    let asked = console.proxy.asked().pop().unwrap();
    assert_eq!(asked.path, format!("{host}:443"));
    assert_eq!(asked.header("authorization"), None);
}

/// The names of the headers in lower case, sorted.
fn names(request: &support::server::Recorded) -> Vec<String> {
    let mut names: Vec<String> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names
}

#[test]
fn the_request_contains_exactly_what_the_published_page_says() {
    let console = Console::start(&[HOST]);
    console.send(&["--tenant", "example-corp", "--cname", "example"]).env("VESCLI_TOKEN", "s3cret-token").run();
    let request = console.server.request();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", PATH));
    assert_eq!(names(&request), ["accept", "authorization", "content-length", "content-type", "host", "user-agent"]);
    for (name, value) in [
        ("accept", "application/json"),
        ("authorization", "APIToken s3cret-token"),
        ("content-length", "47"),
        ("content-type", "application/json"),
        ("host", HOST),
        ("user-agent", concat!("vescli/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(request.header(name), Some(value));
    }
    assert_eq!(request.body, br#"{"cname":"example","email":"hello@example.com"}"#);
}

#[test]
fn a_base_url_is_used_verbatim() {
    let server = Server::http().start();
    for (base, path) in [
        ("", ""),
        ("/", ""),
        ("/Some%20Path/x~y", "/Some%20Path/x~y"),
        ("/api/v1/", "/api/v1"),
        ("/a;b=c/!$&'()*+,@", "/a;b=c/!$&'()*+,@"),
    ] {
        Vescli::new()
            .args(["send", "--tenant", "t", "-e", "hello@example.com", "--base-url"])
            .arg(format!("{}{base}", server.url()))
            .stdout_contains("accepted: ")
            .run();
        let request = server.requests().pop().unwrap();
        assert_eq!(request.path, format!("{path}/no_auth/send_password_email"));
        let host = server.address().to_string();
        assert_eq!(request.header("host"), Some(host.as_str()));
    }
}

#[test]
fn resolve_sends_the_name_and_goes_to_the_address() {
    let authority = support::certificates::Authority::new();
    let server = Server::https(authority.server_named(&[HOST])).start();
    let authority_of = format!("{HOST}:{}", server.port());
    Vescli::new()
        .args(["send", "--tenant", "t", "-e", "hello@example.com", "--cacert", "ca.pem"])
        .args(["--resolve", &format!("{authority_of}:127.0.0.1")])
        .args(["--base-url", &format!("https://{authority_of}")])
        .file("ca.pem", authority.pem())
        .stdout_contains("accepted: ")
        .run();
    assert_eq!(server.request().header("host"), Some(authority_of.as_str()));
    let seen = server.connections().pop().unwrap().handshake.unwrap();
    assert_eq!(seen.unwrap().server_name.as_deref(), Some(HOST));
}

#[test]
fn the_profile_is_chosen_by_flag_variable_default_or_by_being_alone() {
    let two = "default_profile = \"a\"\n[profiles.a]\ntenant = \"t-a\"\n[profiles.b]\ntenant = \"t-b\"\n";
    let tenant = |expected: &'static str, vescli: Vescli| {
        vescli
            .args(["config", "explain", "--json"])
            .stdout_json(move |document: &Value| {
                let settings = document["settings"].as_array().unwrap();
                let tenant = settings.iter().find(|it| it["key"] == "tenant").unwrap();
                assert_eq!(tenant["value"], expected);
            })
            .run();
    };
    tenant("t-a", Vescli::new().config(two));
    tenant("t-b", Vescli::new().config(two).env("VESCLI_PROFILE", "b"));
    let both = Vescli::new().config(two).env("VESCLI_PROFILE", "b");
    tenant("t-a", both.args(["--color", "never"]).env("VESCLI_PROFILE", "a"));
    tenant("t-x", Vescli::new().config("[profiles.x]\ntenant = \"t-x\"\n"));
    Vescli::new()
        .args(["config", "profiles", "-p", "b"])
        .config(two)
        .env("VESCLI_PROFILE", "a")
        .stdout("  a\n* b\n")
        .run();
}

#[test]
fn a_dry_run_shows_the_request_and_sends_nothing() {
    let server = Server::http().uncalled().start();
    let dry = || {
        Vescli::new()
            .args(["send", "--tenant", "t", "-e", "hello@example.com", "-n"])
            .against(&server)
            .env("VESCLI_TOKEN", "s3cret-token")
            .stdout_lacks("s3cret")
    };
    dry()
        .stdout(concat!(
            "POST http://127.0.0.1:[PORT]/no_auth/send_password_email\n",
            "authorization: APIToken ***\ncontent-type: application/json\naccept: application/json\n",
            "user-agent: vescli/",
            env!("CARGO_PKG_VERSION"),
            "\n\n{\"cname\":\"t\",\"email\":\"hello@example.com\"}\n"
        ))
        .run();
    let url = format!("{}/no_auth/send_password_email", server.url());
    dry()
        .arg("--json")
        .stdout_json(move |document| {
            assert_eq!(document["schema"], "vescli.request/1");
            assert_eq!(document["ok"], true);
            assert_eq!(document["outcome"], "not_sent");
            assert_eq!(document["method"], "POST");
            assert_eq!(document["url"], url);
            assert_eq!(document["headers"]["authorization"], "APIToken ***");
            assert_eq!(document["body"]["email"], "hello@example.com");
            assert_eq!(document["exit_code"], 0);
        })
        .run();
    dry()
        .args(["--show-curl", "--json"])
        .stdout_json(|document| {
            assert_eq!(document["schema"], "vescli.curl/1");
            let command = document["command"].as_str().unwrap();
            let start = "printf 'authorization: APIToken %s\\n' \"$VESCLI_TOKEN\" |\ncurl --disable ";
            assert!(command.starts_with(start), "{command}");
        })
        .run();
}
