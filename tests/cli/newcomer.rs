//! The mistakes of a first day: each gives one clear sentence and the right code.

use support::harness::Vescli;

fn send(arguments: &[&str]) -> Vescli {
    Vescli::new().arg("send").args(arguments)
}

/// Arguments of a send, the code, and the sentence.
const MISTAKES: &[(&[&str], u8, &str)] = &[
    (
        &["-e", "a@example.com"],
        78,
        "no tenant is given: use --tenant, set VESCLI_TENANT or F5XC_TENANT, or put `tenant` into a profile in [FOLDER]/.config/vescli/config.toml (`vescli config init` writes one)",
    ),
    (
        &["--tenant", "t"],
        2,
        "no email is given: use --email, set VESCLI_EMAIL, or put `email` into a profile in [FOLDER]/.config/vescli/config.toml (`vescli config init` writes one)",
    ),
    (
        &["-e", "a@example.com", "--tenant", "t.console.ves.volterra.io"],
        2,
        "--tenant: `t.console.ves.volterra.io` is not one DNS label: give only the first part of the host name, such as `example-corp`",
    ),
    (
        &["-e", "nobody", "--tenant", "t"],
        2,
        "--email: the address `nobody` has no @: an address looks like name@example.com",
    ),
    (
        &["--tenant", "t", "-e", "a@example.com", "-n", "--token-file", "open"],
        78,
        "--token-file: open can be read by others (mode 0644): run `chmod 600 open`",
    ),
    (
        &["--tenant", "t", "-e", "a@example.com", "-n", "--base-url", "http://example.com"],
        2,
        "--base-url: `http://example.com` would send the credential and the address unencrypted: use https:// (http:// is for loopback only)",
    ),
    (
        &["--tenant", "t", "-e", "a@example.com", "-n", "--base-url", "example.com"],
        2,
        "--base-url: `example.com` is not a URL (relative URL without a base): it must look like https://example-corp.console.ves.volterra.io",
    ),
    (
        &["--tenant", "t", "-e", "a@example.com", "-n", "--cacert", "missing.pem"],
        66,
        "--cacert: there is no file missing.pem",
    ),
    (
        &["--tenant", "t", "-e", "a@example.com", "-n", "--cacert", "open"],
        65,
        "--cacert: open contains no certificate: it must be PEM, which begins with -----BEGIN CERTIFICATE-----",
    ),
    (
        &["--tenant", "t", "-e", "a@example.com", "-n", "--timeout", "30"],
        2,
        "--timeout: `30` is not a time: write a number and its unit, such as 500ms, 30s or 5m",
    ),
    (
        &["--tenant", "t", "-e", "a@example.com", "-n", "--resolve", "x"],
        2,
        "--resolve: `x` is not HOST:PORT:ADDR, such as example.com:443:127.0.0.1",
    ),
];

#[test]
fn each_mistake_is_one_sentence() {
    for (arguments, code, sentence) in MISTAKES {
        send(arguments).file_mode("open", "s3cret", 0o644).code(*code).stderr(format!("error: {sentence}\n")).run();
    }
}

#[test]
fn mistakes_in_the_file_are_one_sentence_too() {
    for (arguments, config, sentence) in [
        (
            &["-p", "prd"][..],
            "[profiles.prod]\n",
            "there is no profile `prd` in [FOLDER]/.config/vescli/config.toml (it has: prod); did you mean `prod`?",
        ),
        (
            &[],
            "[profiles.prod]\nregoin = \"x\"\n",
            "[FOLDER]/.config/vescli/config.toml:2:1: unknown key `regoin` in [profiles.prod]; did you mean `region`?",
        ),
        (
            &[],
            "[profiles.prod]\n[profiles.lab]\n",
            "no tenant is given: use --tenant, set VESCLI_TENANT or F5XC_TENANT, or choose a profile of [FOLDER]/.config/vescli/config.toml with --profile (lab, prod)",
        ),
        (
            &[],
            "[profiles.prod]\n",
            "no tenant is given: use --tenant, set VESCLI_TENANT or F5XC_TENANT, or put `tenant` into [profiles.prod] in [FOLDER]/.config/vescli/config.toml",
        ),
    ] {
        send(arguments)
            .args(["-e", "a@example.com"])
            .config(config)
            .code(78)
            .stderr(format!("error: {sentence}\n"))
            .run();
    }
}

#[test]
fn a_base_url_that_ends_in_api_is_a_warning() {
    let arguments = ["--tenant", "t", "-e", "a@example.com", "-n", "--base-url"];
    send(&arguments)
        .arg("https://e.example/api")
        .stdout_contains("POST https://e.example/api/no_auth/send_password_email\n")
        .stderr("warning: the base URL https://e.example/api ends in /api, as F5's other tools write it; this operation is rarely below /api\n")
        .run();
    send(&arguments)
        .args(["https://e.example/api", "--json"])
        .stdout_json(|document| assert_eq!(document["warnings"].as_array().unwrap().len(), 1))
        .run();
}

#[test]
fn a_mistyped_word_gets_the_nearest_suggestion() {
    for (arguments, tip) in [
        (&["send", "--tennant", "t"][..], "tip: a similar argument exists: '--tenant'"),
        (&["send", "--emial", "a@b.co"], "tip: a similar argument exists: '--email'"),
        (&["sendd"], "tip: some similar subcommands exist: 'send-password-email', 'send'"),
        (&["doctr"], "tip: a similar subcommand exists: 'doctor'"),
        (&["config", "expalin"], "tip: a similar subcommand exists: 'explain'"),
        (&["send", "--environment", "prodution"], "tip: a similar value exists: 'production'"),
        (&["explain", "ratelimited"], "did you mean `rate_limited`?"),
        (&["help", "exit-code"], "did you mean `exit-codes`?"),
    ] {
        Vescli::new().args(arguments).code(2).stderr_contains(tip).run();
        Vescli::new()
            .args(arguments)
            .arg("--json")
            .code(2)
            .stderr_contains(tip)
            .stdout_json(|document| {
                assert_eq!(document["schema"], "vescli.result/1");
                assert_eq!(document["outcome"], "not_sent");
                assert_eq!(document["exit_code"], 2);
                assert_eq!(document["error"]["class"], "usage");
            })
            .run();
    }
    Vescli::new()
        .args(["send", "--tenant", "t", "-e", "a@example.com", "-n"])
        .env("VESCLI_REGOIN", "x")
        .stdout_contains("POST ")
        .stderr("warning: the variable VESCLI_REGOIN is not known and was not used; did you mean `VESCLI_REGION`?\n")
        .run();
}

#[test]
fn two_commands_are_enough() {
    let first = Vescli::new().args(["config", "init", "--tenant", "example-corp"]).stdout_contains("written; ").run();
    first
        .again()
        .args(["send", "-e", "hello@example.com", "-n"])
        .stdout_contains("POST https://example-corp.console.ves.volterra.io/")
        .run();
}
