//! The topics of `vescli help` that are no commands. What can be made from the table of keys is.

use crate::args::environment::SANDBOX_VARIABLE;
use crate::args::environment::{F5_PASSWORD_VARIABLE, F5_TOKEN_VARIABLE, P12_PASSWORD_VARIABLE, TOKEN_VARIABLE};
use crate::args::settings_table::{Group, Kind, Scope, SettingSpec, specs};
use crate::report::streams::Paint;

/// Variables of ours that are no flags, and what they hold.
pub const SECRET_VARIABLES: [(&str, &str); 2] = [
    (TOKEN_VARIABLE, "The API token; there is no flag for it on purpose"),
    (P12_PASSWORD_VARIABLE, "The password of the PKCS#12 file"),
];

/// Variables of others that are read, and what for.
pub const FOREIGN_VARIABLES: [(&str, &str); 11] = [
    (F5_TOKEN_VARIABLE, "The API token, when nothing stronger names a credential"),
    (F5_PASSWORD_VARIABLE, "The password of the PKCS#12 file, when nothing stronger gives it"),
    ("HTTPS_PROXY, https_proxy", "The proxy for https"),
    ("ALL_PROXY, all_proxy", "The proxy when there is none for https"),
    ("NO_PROXY, no_proxy", "Hosts that are reached without the proxy"),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "Trusted certificates in place of the system's store"),
    ("NO_COLOR", "No colours, if not empty"),
    ("FORCE_COLOR, CLICOLOR_FORCE", "Colours even without a terminal, if neither empty nor 0"),
    ("TERM", "No colours if it is `dumb`"),
    ("XDG_CONFIG_HOME", "The folder of the configuration, if it is an absolute path"),
    ("XDG_STATE_HOME", "The folder of the journals, if it is an absolute path"),
];

/// The topic `environment`.
pub fn environment(paint: Paint) -> String {
    let mut text = String::from(
        "Every flag is also a variable: VESCLI_ and its long name in upper case, hyphens as underscores.\n\
         Switches take 1 or 0. A variable that is empty counts as not set. A flag wins over its variable,\n\
         a variable over the configuration file, the file over the names of other tools.\n",
    );
    for group in [
        Group::Request,
        Group::Target,
        Group::Credential,
        Group::Network,
        Group::Retry,
        Group::Output,
        Group::Safety,
        Group::Bulk,
        Group::Sandbox,
        Group::Journal,
    ] {
        text.push_str(&format!("\n{}\n", paint.strong(group.heading())));
        for spec in specs().filter(|spec| spec.group == group && spec.is_flag()) {
            let foreign = spec.f5_variable.map_or_else(String::new, |name| format!(" (also {name})"));
            text.push_str(&entry(&spec.variable(), &format!("{}{foreign}", spec.help)));
        }
        if group == Group::Sandbox {
            text.push_str(&entry(
                SANDBOX_VARIABLE,
                "Set by `vescli sandbox`: its address. Journals are those of rehearsals then",
            ));
        }
        if group == Group::Credential {
            text.extend(SECRET_VARIABLES.map(|(name, help)| entry(name, help)));
        }
    }
    text.push_str(&format!("\n{}\n", paint.strong("Variables of others that are read")));
    text.extend(FOREIGN_VARIABLES.map(|(name, help)| entry(name, help)));
    text.push_str("\nNot read: F5XC_API_URL and VOLT_API_URL, which hold another kind of URL; SSLKEYLOGFILE.\n");
    text
}

/// The topic `config`.
pub fn config(paint: Paint) -> String {
    let mut text = format!(
        "{heading}\n  \
         --config FILE, else VESCLI_CONFIG, else $XDG_CONFIG_HOME/vescli/config.toml if that is an absolute path,\n  \
         else ~/.config/vescli/config.toml (on Windows the folder for configurations). `--config none` reads none.\n\n\
         {example}\n  \
         default_profile = \"prod\"\n\n  \
         [defaults]\n  \
         timeout = \"30s\"\n\n  \
         [profiles.prod]\n  \
         tenant = \"example-corp\"\n  \
         token_file = \"~/.config/vescli/prod.token\"     # chmod 600; never the token itself\n\n  \
         [profiles.lab]\n  \
         extends = \"prod\"\n  \
         tenant = \"example-lab\"\n  \
         token_command = [\"pass\", \"show\", \"f5xc/lab\"]  # run without a shell\n\n\
         {rules}\n  \
         The profile is --profile, else VESCLI_PROFILE, else default_profile, else the only one there is.\n  \
         For each setting, the first source that has it wins: flag, variable, profile, those it extends, [defaults],\n  \
         F5's names, built in.\n  \
         A credential (token, client certificate) is taken whole from the first of these that names one. One from the\n  \
         file is sent to the host of the table that names it and to no other (78): the host that this table names with\n  \
         `tenant`, `console` or `base_url`, itself or through those it extends and [defaults]. A profile that changes\n  \
         the host of what it extends names its own credential. A table that names no host, such as [defaults], has\n  \
         that of the chosen profile. Flags and variables never decide the host of a credential from the file.\n  \
         A file that names a command is refused (78) when others can write it or its folder, or when it is somebody\n  \
         else's. It is a regular file of at most 1 MiB.\n  \
         Relative paths start at the folder of the file, ~/ at the home folder.\n  \
         `vescli config explain` shows every value with its origin; `vescli config check` checks the file.\n\n\
         {keys}\n",
        heading = paint.strong("Where the file is"),
        example = paint.strong("What it looks like"),
        rules = paint.strong("Which value holds"),
        keys = paint.strong("Keys of [defaults] and [profiles.NAME]"),
    );
    for spec in specs().filter(|spec| spec.in_file()) {
        text.push_str(&entry(&format!("{} = {}", spec.name(), example(spec)), spec.help));
    }
    text.push_str("\nThe command `vescli config`: see `vescli config --help`.\n");
    text
}

fn example(spec: &SettingSpec) -> String {
    match (spec.kind, spec.default) {
        (Kind::Count | Kind::Level, default) => default.unwrap_or("0").to_owned(),
        (Kind::Switch, _) => "true".to_owned(),
        (Kind::List(name), _) if spec.scope == Scope::FileOnly => format!("[\"{name}\", …]"),
        (Kind::List(name), _) => format!("[\"{name}\"]"),
        (_, Some(default)) => format!("\"{default}\""),
        (Kind::Text(name), None) => format!("\"{name}\""),
        (Kind::File, None) => "\"FILE\"".to_owned(),
        (Kind::Choice(_) | Kind::Duration, None) => "\"…\"".to_owned(),
    }
}

fn entry(name: &str, help: &str) -> String {
    format!("  {name:<37} {help}\n")
}

/// The topic `json`.
pub const JSON: &str = r#"With --json, standard output holds exactly one document on one line, for success, failure and usage errors
alike. The order of the fields is fixed; fields are only ever added. Standard error still tells people, unless -q.

  schema       "vescli.result/1"
  ok           true exactly when the service accepted the request
  outcome      the field for scripts:
                 accepted   the service took the request: a whole 2xx, empty or a JSON object without an error
                 rejected   the service said no: nobody was mailed
                 not_sent   the request never left: nobody was mailed
                 unknown    it left, and nothing proves what became of it: somebody may have been mailed
  email, cname, tenant, url    as used; null when the run ended before they were known
  status       the HTTP status, or null
  attempts     how often the request was tried
  elapsed_ms   milliseconds, waits included
  exit_code    the exit code of the process
  error        null, or
    class            the class, as in `vescli help exit-codes`; `interrupted` when a signal ended the program
    message          the class in words, or what is wrong with the input
    server_code      the service's own (gRPC) number, or null
    server_message   what the service said, exactly, or null
    safe_to_retry    true when the same request may be sent again at once or later, without mailing anybody twice
    retry_after_s    seconds that the server asks to wait, or null
    hint             what to do
    cause            why the network failed, or null
    location         where a redirect pointed, or null
  warnings     texts, none most of the time

`bulk` prints one "vescli.row/1" for each row as it ends (row: its line in the list; outcome, email, cname, status,
attempts, elapsed_ms, exit_code, error, warnings as above; due: whether the next run sends it unasked), then one
"vescli.summary/1":
  rows, accepted, rejected, not_sent, unknown    the whole list as it stands now
  this_run     the rows that ended in this run, by outcome; requests counts retries as well
  repeats, invalid    rows that were dropped
  signal       the number of the signal that ended the run, or null
  due          how many rows of the list the next run sends unasked, rejected ones among them
  beyond_limit    how many of them --limit kept back
  go_on        the command to run next, or null
  known        people on the list who are known from other lists: accepted, unknown, choice (skip, send or null),
               lists (list, journal, at, accepted, unknown)
  error        why the run was stopped, or null
`bulk --dry-run` prints "vescli.plan/1": to_send, accepted, rejected, unknown (row and email), sample, seconds,
known as above, other_cname (rows that bear the address of another row with another cname).

--dry-run prints "vescli.request/1" (method, url, headers, body, proxy), --show-curl "vescli.curl/1" (command),
`explain --json` "vescli.explain/1", `doctor --json` "vescli.doctor/1" (ok, exit_code, checks, each with name, state,
message and hint). `config` prints schema, ok and path, and `path` exists, `init` written, `show` text, `check` and
`profiles` profiles; `config explain` prints profile and settings (key, value, origin).

`journal` prints, each with schema and ok:
  list      "vescli.journals/1": folder, journals (path, url, rows, last_run, error and others), leftovers (files
            of killed runs)
  show      "vescli.journal/1": path, url, runs, rows (by outcome, and due), unknown (email, cname, row, at, …)
  check     "vescli.journal-check/1": path, lines, runs, unfinished_bytes, damage (line, offset, reason, holds)
  resolve   "vescli.journal-resolve/1": path, as, rows (key, email, cname); key, email and cname again when it is
            one row
  repair    "vescli.journal-repair/1": path, was_damaged, kept_lines, damaged_lines, unreadable_lines (they do not
            show whose they are), nameless_lines (of people not on the list), unknown (spec, email, cname), old_file
  rm, prune "vescli.journal-remove/1": dry_run, removed, leftovers

  vescli send --profile prod --email hello@example.com --json | jq -r '"\(.outcome) \(.exit_code)"'
"#;
