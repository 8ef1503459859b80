//! A credential of the file goes to the host of the table that names it and to no other, also when that host cannot be
//! computed, and by whatever command.

use support::certificates::Authority;
use support::harness::Vescli;
use support::server::Server;

const TOKEN: &str = "s3cret-token";

/// Every command that resolves a credential, with a list for `bulk`.
const COMMANDS: [&[&str]; 4] = [
    &["send", "-e", "hello@example.com"],
    &["send", "-e", "hello@example.com", "--show-curl"],
    &["bulk", "list.txt", "--yes"],
    &["doctor"],
];

fn vescli(toml: &str) -> Vescli {
    Vescli::new()
        .config(toml)
        .file(".config/vescli/token", TOKEN)
        .file(".config/vescli/child", TOKEN)
        .file("list.txt", "hello@example.com\n")
        .stdout_contains("")
        .stderr_contains("")
        .stdout_lacks(TOKEN)
        .stderr_lacks(TOKEN)
}

/// The command ends with 78 and says so; `reason` is on standard error, or in the checks of `doctor`.
fn refused(toml: &str, change: impl Fn(Vescli) -> Vescli, reason: &str) {
    for command in COMMANDS {
        let run = change(vescli(toml).args(command)).code(78);
        if command == ["doctor"] {
            run.stdout_contains(reason).run();
        } else {
            run.stderr_contains(reason).run();
        }
    }
}

/// Only `doctor` has made requests, and without a credential.
fn only_heads(server: &Server) {
    for request in server.requests() {
        assert_eq!(request.method, "HEAD");
        assert_eq!(request.header("authorization"), None);
    }
}

#[test]
fn a_profile_whose_own_host_cannot_be_computed_keeps_its_credential() {
    let other = Server::http().start();
    let cannot = format!("is not sent to {}, because the host that it belongs to cannot be computed", other.url());
    let belongs = "belongs to https://acme.console.ves.volterra.io, but the request goes to ";
    for (lines, reason) in [
        ("base_url = \"acme.example\"", cannot.as_str()),
        ("base_url = \"https://acme.example/a/../b\"", &cannot),
        ("base_url = \"http://acme.example\"", &cannot),
        ("tenant = \"acme\"\nbase_url = \"x\"", &cannot),
        ("tenant = \"acme.com\"", &cannot),
        ("", &cannot),
        ("console = \"staging.volterra.us\"", &cannot),
        ("tenant = \"acme\"\nregion = \"US east\"", belongs),
        ("tenant = \"acme\"\nnamespace = \"a/b\"", belongs),
        ("tenant = \"acme\"\nprefix = \"..\"", belongs),
    ] {
        let toml = format!("[profiles.p]\n{lines}\ntoken_file = \"token\"\n");
        let url = other.url();
        refused(&toml, |run| run.args(["--base-url", &url, "--tenant", "t"]), reason);
        refused(&toml, |run| run.env("VESCLI_BASE_URL", &url).env("VESCLI_TENANT", "t"), reason);
    }
    // F5's names are variables too: they do not make a host of the file's.
    let toml = "[profiles.p]\ntoken_file = \"token\"\n";
    vescli(toml)
        .env("F5XC_TENANT", "acme")
        .args(COMMANDS[0])
        .code(78)
        .stderr_contains("is not sent to https://acme.console.ves.volterra.io, because the host")
        .run();
    only_heads(&other);
}

/// A profile that names a token, and one that extends it.
fn file(parent_lines: &str, child_lines: &str) -> String {
    format!(
        "default_profile = \"child\"\n[profiles.parent]\ntoken_file = \"token\"\n{parent_lines}\n\
         [profiles.child]\nextends = \"parent\"\n{child_lines}\n"
    )
}

fn at(server: &Server) -> String {
    format!("base_url = \"{}\"\ntenant = \"t\"", server.url())
}

#[test]
fn a_child_that_changes_the_host_names_its_own_credential() {
    let parent = Server::http().uncalled().start();
    let refusing = Server::http().start();
    let names_both = "a table that changes the host has to name its own credential";
    for (parent_lines, child_lines) in [(at(&parent), at(&refusing)), ("tenant = \"acme\"".into(), at(&refusing))] {
        refused(&file(&parent_lines, &child_lines), |run| run, names_both);
    }
    // These hosts are never looked up: the run stops before.
    for child_lines in ["tenant = \"lab\"", "console = \"staging.volterra.us\""] {
        let toml = file("tenant = \"acme\"", child_lines);
        for command in &COMMANDS[..3] {
            vescli(&toml).args(*command).code(78).stderr_contains(names_both).run();
        }
    }
    // A parent that names a console is completed by a tenant, and not led away from its console.
    vescli(&file("console = \"staging.volterra.us\"", "tenant = \"a\"\nconsole = \"console.ves.volterra.io\""))
        .args(COMMANDS[0])
        .code(78)
        .stderr_contains(
            "belongs to https://a.staging.volterra.us, but the request goes to https://a.console.ves.volterra.io",
        )
        .run();
    only_heads(&refusing);
}

#[test]
fn a_child_gets_its_own_credential_and_that_of_a_table_without_a_host() {
    let parent = Server::http().uncalled().start();
    let child = Server::http().start();
    for toml in [
        file(&at(&parent), &format!("{}\ntoken_file = \"child\"", at(&child))),
        file("", &at(&child)),
        format!("[defaults]\ntoken_file = \"token\"\n[profiles.p]\n{}\n", at(&child)),
        format!("[defaults]\n{}\n[profiles.p]\ntoken_file = \"token\"\n", at(&child)),
    ] {
        let before = child.count();
        vescli(&toml).args(COMMANDS[0]).stdout_contains("accepted: ").run();
        let requests = child.requests();
        assert_eq!(requests.len(), before + 1);
        assert_eq!(requests.last().unwrap().header("authorization"), Some("APIToken s3cret-token"));
    }
}

#[test]
fn a_client_certificate_is_bound_as_a_token_is() {
    let other = Server::http().uncalled().start();
    let client = Authority::new().client("ada");
    let pem = format!("{}{}", client.certificate_pem(), client.key_pem());
    let toml = "[profiles.p]\nbase_url = \"acme.example\"\ncert = \"ada.pem\"\n";
    vescli(toml)
        .file(".config/vescli/ada.pem", pem)
        .args(COMMANDS[0])
        .args(["--base-url", &other.url(), "--tenant", "t"])
        .code(78)
        .stderr_contains("is not sent to ")
        .run();
}
