//! Where a credential may not go: to a host that its file does not name, or into any output.

use crate::credentials::file_for;
use support::console::Console;
use support::harness::Vescli;
use support::server::{Answer, Server};

const HOST: &str = "example-corp.console.ves.volterra.io";

#[test]
fn a_credential_of_the_file_goes_to_the_host_of_the_file_alone() {
    let meant = Server::http().uncalled().start();
    let other = Server::http().start();
    let bound = |server: &Server| {
        Vescli::new()
            .args(["send", "--tenant", "t", "-e", "hello@example.com"])
            .config(&file_for(&meant, "token_file = \"token\""))
            .file(".config/vescli/token", "s3cret-token")
            .args(["--base-url", &server.url()])
            .stderr_lacks("s3cret")
            .stdout_lacks("s3cret")
    };
    let refusal = format!(
        "error: the credential of [FOLDER]/.config/vescli/config.toml:3:1 [profiles.p] belongs to {}, but the request goes to {}: \
         give a credential for that host with VESCLI_TOKEN or --token-file, or --no-auth\n",
        meant.url(),
        other.url()
    );
    bound(&other).code(78).stderr(refusal.clone()).run();
    let by_variable = Vescli::new()
        .args(["send", "--tenant", "t", "-e", "hello@example.com"])
        .config(&file_for(&meant, "token_file = \"token\""))
        .file(".config/vescli/token", "s3cret-token")
        .env("VESCLI_BASE_URL", other.url());
    by_variable.code(78).stderr(refusal).run();
    assert_eq!(other.count(), 0);
    // One that is given for this run goes there, and so does none.
    bound(&other).env("VESCLI_TOKEN", "of-this-run").stdout_contains("accepted: ").run();
    bound(&other).arg("--no-auth").stdout_contains("accepted: ").run();
    let arrived: Vec<_> =
        other.requests().iter().map(|request| request.header("authorization").map(str::to_owned)).collect();
    assert_eq!(arrived, [Some("APIToken of-this-run".to_owned()), None]);
}

#[test]
fn another_tenant_than_the_files_does_not_get_its_credential() {
    let console = Console::start(&[HOST, "other.console.ves.volterra.io"]);
    let profile = "[profiles.p]\ntenant = \"example-corp\"\ntoken_file = \"token\"\n";
    console.send(&[]).config(profile).file(".config/vescli/token", "s3cret-token").run();
    assert_eq!(console.last().header("authorization"), Some("APIToken s3cret-token"));
    console
        .vescli()
        .args(["send", "-e", "hello@example.com", "--tenant", "other"])
        .config(profile)
        .file(".config/vescli/token", "s3cret-token")
        .code(78)
        .stderr_contains("belongs to https://example-corp.console.ves.volterra.io, but the request goes to https://other.console.ves.volterra.io: ")
        .run();
    assert_eq!(console.server.count(), 1);
}

#[test]
fn the_token_is_in_no_output_at_any_verbosity() {
    let echo = Answer::status(400).header("X-Echo", "s3cret-token").body("\"s3cret-token is wrong\"");
    let server = Server::http().answer(echo).start();
    for flags in [&["-q"][..], &[], &["-v"], &["-vv"], &["-vv", "--json"]] {
        Vescli::new()
            .args(["send", "--tenant", "t", "-e", "hello@example.com"])
            .args(flags)
            .env("VESCLI_TOKEN", "s3cret-token")
            .against(&server)
            .code(40)
            .stderr_contains("error: ")
            .stderr_lacks("s3cret")
            .stdout_contains("")
            .stdout_lacks("s3cret")
            .run();
    }
}

#[test]
fn explain_shows_that_a_credential_is_set_but_not_what_it_is() {
    Vescli::new()
        .args(["config", "explain", "--tenant", "t"])
        .env("VESCLI_TOKEN", "0123456789012345678901234567890123456789012")
        .stdout_contains("credential            set, 43 characters  VESCLI_TOKEN\n")
        .stdout_lacks("0123456789")
        .run();
    let bound = "[profiles.p]\ntenant = \"t\"\ntoken_file = \"x\"\n";
    Vescli::new()
        .args(["config", "explain", "--tenant", "other"])
        .config(bound)
        .stdout_contains("tenant                other  --tenant\n")
        .stdout_contains("credential            not usable: the credential of ")
        .run();
}
