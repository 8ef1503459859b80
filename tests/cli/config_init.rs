//! The first file that `vescli config init` writes, and what the other commands make of it.

use std::fs;

use support::harness::Vescli;

#[test]
fn init_writes_a_file_that_checks_and_leaves_an_existing_one_alone() {
    let first = Vescli::new()
        .args(["config", "init", "--tenant", "acme", "--token-file", "a \"b\".token"])
        .stdout("[FOLDER]/.config/vescli/config.toml: written; try it with `vescli doctor`\n")
        .run();
    let check = first.again().args(["config", "check"]);
    check.stdout("[FOLDER]/.config/vescli/config.toml: valid, 1 profile (prod)\n").run();
    let path = first.folder.join(".config/vescli/config.toml");
    let written = fs::read_to_string(&path).unwrap();
    first.again().args(["config", "init"]).code(2).stderr_contains("exists already and was not changed").run();
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
    first.again().args(["config", "show"]).stdout(written).run();
    first
        .again()
        .args(["config", "explain"])
        .stdout_contains("profile: prod\n")
        .stdout_contains("tenant                acme  [FOLDER]/.config/vescli/config.toml:")
        .run();
}

/// The example in the file must not become the tenant of a send.
#[test]
fn without_a_tenant_the_file_has_none_and_a_send_asks_for_it() {
    let next = "put your tenant there, then run `vescli config check`";
    let first = Vescli::new().args(["config", "init"]).stdout_contains(next).run();
    let written = fs::read_to_string(first.folder.join(".config/vescli/config.toml")).unwrap();
    assert!(written.contains("[profiles.prod]\n# tenant = \"example-corp\"\n"), "{written}");
    let send = first.again().args(["send", "--email", "a@x.de", "-n"]).code(78);
    send.stderr_contains("no tenant is given: use --tenant").stderr_contains("put `tenant` into [profiles.prod]").run();
}

#[test]
fn every_config_command_has_a_document() {
    let path = r#""path":"[FOLDER]/.config/vescli/config.toml""#;
    let config = |vescli: Vescli, word: &str, schema: &str, rest: &str| {
        let document = format!("{{\"schema\":\"vescli.{schema}/1\",\"ok\":true,{path},{rest},\"exit_code\":0}}\n");
        vescli.args(["config", word, "--json"]).stdout(document).run()
    };
    let first = config(Vescli::new(), "path", "config-path", r#""exists":false"#);
    config(first.again(), "init", "config-init", r#""written":true"#);
    first.again().args(["config", "init"]).code(2).stderr_contains("exists already").run();
    config(first.again(), "check", "config-check", r#""profiles":["prod"]"#);
    config(first.again(), "profiles", "profiles", r#""profiles":["prod"],"chosen":"prod""#);
    let written = fs::read_to_string(first.folder.join(".config/vescli/config.toml")).unwrap();
    let text = format!("\"text\":{}", serde_json::Value::from(written));
    config(first.again(), "show", "config-show", &text);
    first
        .again()
        .args(["config", "explain", "--json"])
        .stdout_contains(r#"{"schema":"vescli.config/1","ok":true,"profile":"prod","settings":[{"key":"#)
        .run();
}
