//! Corners of the precedence of sources: a `no_auth` that is taken back, and folders that are not where they seem.

use support::harness::Vescli;

const FILE: &str = "default_profile = \"none\"\n[profiles.base]\ntenant = \"t\"\ntoken_file = \"token\"\n\
    [profiles.none]\nextends = \"base\"\nno_auth = true\n[profiles.again]\nextends = \"none\"\nno_auth = false\n";

fn dry_run() -> Vescli {
    Vescli::new()
        .args(["send", "-n", "-e", "a@example.com"])
        .config(FILE)
        .file(".config/vescli/token", "s3cret-token\n")
}

#[test]
fn the_strongest_source_decides_on_no_auth() {
    let with = "authorization: APIToken ***\n";
    let without = |vescli: Vescli| vescli.stdout_contains("POST ").stdout_lacks(with).run();
    without(dry_run());
    without(dry_run().args(["-p", "again", "--no-auth"]));
    without(dry_run().args(["-p", "again"]).env("VESCLI_NO_AUTH", "1"));
    dry_run().args(["-p", "again"]).stdout_contains(with).run();
    dry_run().env("VESCLI_NO_AUTH", "0").stdout_contains(with).run();
}

#[test]
fn a_home_that_is_a_relative_path_leads_to_no_file_below_the_current_folder() {
    Vescli::new()
        .config(FILE)
        .env("HOME", ".")
        .env_remove("XDG_CONFIG_HOME")
        .args(["config", "path"])
        .code(2)
        .stderr_contains("no configuration file is used")
        .run();
}
