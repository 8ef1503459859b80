//! Every document has the same frame: `schema`, `ok` and `exit_code`. All other fields are checked against the schemas by
//! `cargo test --test schemas`.

use serde_json::Value;

use support::harness::Vescli;

fn has_frame(document: &Value, schema: &str, exit_code: u8) {
    assert_eq!(document["schema"], schema, "{document}");
    assert_eq!(document["ok"], exit_code == 0, "{document}");
    assert_eq!(document["exit_code"], exit_code, "{document}");
}

#[test]
fn commands_without_a_request_have_it() {
    let config = "[profiles.prod]\ntenant = \"example-corp\"\n";
    for (arguments, schema) in [
        ("explain 42", "vescli.explain/1"),
        ("config path", "vescli.config-path/1"),
        ("config init --config new.toml", "vescli.config-init/1"),
        ("config show", "vescli.config-show/1"),
        ("config check", "vescli.config-check/1"),
        ("config profiles", "vescli.profiles/1"),
        ("config explain", "vescli.config/1"),
        ("journal list", "vescli.journals/1"),
        ("journal prune", "vescli.journal-remove/1"),
    ] {
        let run = Vescli::new().config(config).args(arguments.split(' ')).arg("--json");
        run.stdout_json(move |document| has_frame(document, schema, 0)).run();
    }
}

#[test]
fn the_version_is_a_document_wherever_json_is_asked_for() {
    let text = concat!("vescli ", env!("CARGO_PKG_VERSION"), "\n");
    for arguments in ["--version", "-V"] {
        Vescli::new().arg(arguments).stdout(text).run();
    }
    let check = |document: &Value| {
        has_frame(document, "vescli.version/1", 0);
        assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
    };
    for arguments in ["--version --json", "--json --version", "-V -o json", "--output=json -V"] {
        Vescli::new().args(arguments.split(' ')).stdout_json(check).run();
    }
    Vescli::new().arg("--version").env("VESCLI_JSON", "1").stdout_json(check).run();
}

#[test]
fn the_code_of_a_command_that_the_sandbox_cannot_run_is_in_its_document() {
    Vescli::new()
        .args(["sandbox", "--json", "--", "no-such-command"])
        .code(127)
        .stdout_json(|document| has_frame(document, "vescli.result/1", 127))
        .stderr_contains("error: command not found: ")
        .run();
}

#[test]
fn a_signal_is_explained_by_its_number() {
    Vescli::new()
        .args(["explain", "130", "--json"])
        .stdout_json(|document| {
            assert_eq!(document["signal"], 2);
            assert_eq!(document["exit_codes"], serde_json::json!([]));
        })
        .run();
}
