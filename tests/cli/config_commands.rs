//! `vescli config` and what is wrong with a configuration file, each with its place.

use std::fs;

use support::harness::Vescli;

/// A dry run with this file, which sends nothing whatever is wrong.
fn with_file(toml: impl AsRef<[u8]>) -> Vescli {
    Vescli::new().args(["send", "-e", "a@example.com", "-n", "--config", "c.toml"]).file("c.toml", toml)
}

/// Files with a mistake, and the message after the name of the file.
const MISTAKES: &[(&str, &str)] = &[
    ("[profiles.a]\nregoin = \"x\"\n", "2:1: unknown key `regoin` in [profiles.a]; did you mean `region`?"),
    ("[defaults]\n\n  base-url = \"x\"\n", "3:3: unknown key `base-url` in [defaults]; did you mean `base_url`?"),
    ("defualts = 1\n", "1:1: unknown key `defualts` in the file; did you mean `defaults`?"),
    (
        "regoin = 1\n",
        "1:1: unknown key `regoin` in the file; did you mean `region`? It belongs under [defaults] or [profiles.NAME]",
    ),
    ("tenant = \"t\"\n", "1:1: unknown key `tenant` in the file: it belongs under [defaults] or [profiles.NAME]"),
    ("[profiles.a]\ntenant = 3\n", "2:10: `tenant`: takes a text in quotes, not an integer"),
    ("[profiles.a]\ntoken_file = true\n", "2:14: `token_file`: takes a path in quotes, not a boolean"),
    (
        "[defaults]\nenvironment = \"prod\"\n",
        "2:15: `environment`: `prod` is not one of production, staging, development; did you mean `production`?",
    ),
    ("[defaults]\nenvironment = 1\n", "2:15: `environment`: takes a word in quotes, not an integer"),
    ("[defaults]\nquiet = 1\n", "2:9: `quiet`: takes true or false, not an integer"),
    ("[defaults]\nretries = \"x\"\n", "2:11: `retries`: takes a whole number from 0 on, without quotes, not a string"),
    ("[defaults]\nretries = -1\n", "2:11: `retries`: takes a whole number from 0 on, without quotes, not an integer"),
    ("[defaults]\nverbose = true\n", "2:11: `verbose`: takes a whole number from 0 on, without quotes, not a boolean"),
    (
        "[defaults]\ntimeout = 30\n",
        "2:11: `timeout`: takes a time with its unit in quotes, such as \"30s\", not an integer",
    ),
    ("[defaults]\nresolve = \"a\"\n", "2:11: `resolve`: takes an array of texts, such as [\"a\", \"b\"], not a string"),
    ("[profiles.a]\ntoken_command = []\n", "2:17: `token_command`: takes an array of texts"),
    ("[profiles]\na = 1\n", "2:5: `profiles.a`: is a table, written [profiles.a], not an integer"),
    ("default_profile = 1\n", "1:19: `default_profile`: takes a text in quotes, not an integer"),
    (
        "[profiles.a]\ntoken = \"s3cret\"\n",
        "2:1: `token` does not belong in this file: name a file with `token_file` or a command with `token_command`, or set VESCLI_TOKEN in the environment",
    ),
    ("token = \"s3cret\"\n", "1:1: `token` does not belong in this file: name a file with `token_file`"),
    (
        "[defaults]\np12_password = \"s3cret\"\n",
        "2:1: `p12_password` does not belong in this file: name a file with `p12_password_file`, or set VESCLI_P12_PASSWORD",
    ),
    (
        "[profiles.a]\ntoken_file = \"x\"\ntoken_command = [\"y\"]\n",
        "3:1: `token_file` and `token_command` both name the token: keep one of them",
    ),
    ("[profiles.a]\nextends = \"a\"\n", "2:11: `extends` forms a cycle: a → a"),
    ("[profiles.a]\nextends = \"b\"\n[profiles.b]\nextends = \"a\"\n", "2:11: `extends` forms a cycle: a → b → a"),
    (
        "[profiles.a]\nextends = \"b\"\n[profiles.b]\nextends = \"c\"\n[profiles.c]\nextends = \"a\"\n",
        "2:11: `extends` forms a cycle: a → b → c → a",
    ),
    (
        "[profiles.a]\nextends = \"prdo\"\n[profiles.prod]\n",
        "2:11: `extends` names the profile `prdo`, which is not in this file; did you mean `prod`?",
    ),
    (
        "default_profile = \"prdo\"\n[profiles.prod]\n",
        "1:19: `default_profile` names the profile `prdo`, which is not in this file; did you mean `prod`?",
    ),
    ("[defaults]\ntimeout = \"30\"\n[profiles.a]\ntenant = \"t\"\n", "2:1 [defaults]: `30` is not a time"),
];

#[test]
fn every_mistake_is_reported_with_its_position_and_the_nearest_name() {
    for (toml, message) in MISTAKES {
        with_file(toml).code(78).stderr_contains(format!("error: c.toml:{message}")).stderr_lacks("s3cret").run();
    }
}

#[test]
fn invalid_toml_is_reported_by_position_and_never_quoted() {
    for (toml, place) in [
        ("[profiles.a]\ntoken = s3cret\n", "c.toml:2:9: not valid TOML: "),
        ("[profiles.a\ntoken = \"s3cret\"\n", "c.toml:1:"),
        ("a = \"s3cret\n", "c.toml:1:"),
        ("[a]\nx = \"s3cret\" y\n", "c.toml:2:"),
        ("[defaults]\nquiet = true\nquiet = true # s3cret\n", "c.toml:3:1: not valid TOML: "),
    ] {
        with_file(toml).code(78).stderr_contains(format!("error: {place}")).stderr_lacks("s3cret").run();
        with_file(toml)
            .arg("--json")
            .code(78)
            .stderr_contains("error: ")
            .stdout_lacks("s3cret")
            .stdout_json(|document| assert_eq!(document["error"]["class"], "config"))
            .run();
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    for toml in [
        "\u{feff}[profiles.a]\ntenant = \"t\"\n",
        "[profiles.a]\r\ntenant = \"t\"\r\n",
        "\u{feff}[profiles.a]\r\ntenant = \"t\"",
    ] {
        with_file(toml).stdout_contains("POST https://t.console.ves.volterra.io/").run();
    }
    with_file("\u{feff}[profiles.a]\r\ntenant = 1\r\n").code(78).stderr_contains("error: c.toml:2:10: ").run();
}

#[test]
fn a_profile_that_is_not_there_is_an_error_with_the_nearest_name() {
    with_file("[profiles.prod]\n[profiles.lab]\n")
        .args(["-p", "prd"])
        .code(78)
        .stderr("error: there is no profile `prd` in c.toml (it has: lab, prod); did you mean `prod`?\n")
        .run();
    Vescli::new()
        .args(["send", "-e", "a@example.com", "--config", "none", "-p", "prod"])
        .code(78)
        .stderr_contains("error: there is no profile `prod`, because there is no configuration file ")
        .run();
}

#[test]
fn an_unreadable_file_is_reported() {
    let send = |config: &str| Vescli::new().args(["send", "-e", "a@example.com", "--config", config]);
    send("missing.toml")
        .code(66)
        .stderr("error: there is no file missing.toml; `vescli config init` writes a first one\n")
        .run();
    let folder = send("folder");
    fs::create_dir(folder.folder().join("folder")).unwrap();
    folder.code(78).stderr_contains("error: folder is not a regular file: ").run();
    with_file(b"[profiles.a]\ntenant = \"\xff\"\n")
        .code(78)
        .stderr_contains("error: c.toml: it is not UTF-8 text")
        .run();
    // `none` reads nothing, not even a faulty file at the usual place.
    send("none").config("regoin = 1").args(["--tenant", "t", "-n"]).stdout_contains("POST https://t.").run();
}

#[test]
fn path_and_help_work_with_a_broken_file() {
    for arguments in [&["config", "path"][..], &["help"], &["--version"], &["explain", "42"], &["completions", "bash"]]
    {
        Vescli::new().args(arguments).config("= nonsense").env("VESCLI_RETRIES", "nonsense").stdout_contains("").run();
    }
    Vescli::new().args(["config", "path"]).stdout("[FOLDER]/.config/vescli/config.toml\n").run();
    Vescli::new()
        .args(["config", "path", "--config", "none"])
        .code(2)
        .stderr_contains("error: no configuration file is used")
        .run();
}
