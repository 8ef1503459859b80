//! Makes the man pages: clap's own sections, and EXIT STATUS, ENVIRONMENT, FILES and EXAMPLES from the same tables as
//! the rest. They hold no dates, so that they change only when the code does.

use std::collections::BTreeMap;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use vescli::args::command_line::command;
use vescli::args::settings_table::{SettingSpec, specs};
use vescli::commands::topics::{FOREIGN_VARIABLES, SECRET_VARIABLES};
use vescli::report::exit::{Exit, ExitRow, rows as exits};

/// Exits of the commands that send nothing.
const LOCAL: [Exit; 9] = [
    Exit::Accepted,
    Exit::Internal,
    Exit::Usage,
    Exit::BadInput,
    Exit::NoInput,
    Exit::OsError,
    Exit::Io,
    Exit::Locked,
    Exit::Config,
];

/// All pages by file name.
pub(crate) fn all() -> BTreeMap<String, String> {
    let mut root = command();
    root.build();
    let mut pages = BTreeMap::new();
    add(&root, "vescli", &mut pages);
    pages
}

fn add(command: &Command, name: &str, pages: &mut BTreeMap<String, String>) {
    pages.insert(format!("{name}.1"), page(command, name));
    for sub in command.get_subcommands() {
        add(sub, &format!("{name}-{}", sub.get_name()), pages);
    }
}

fn page(command: &Command, name: &str) -> String {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (notes, examples) = help.split_once("Examples:\n").unwrap_or((help.as_str(), ""));
    // clap would print these as one block; they get sections of their own.
    let plain = command.clone().name(name.to_owned()).after_help("");
    let man = Man::new(plain)
        .title(name.to_uppercase())
        .date("")
        .source(format!("vescli {}", env!("CARGO_PKG_VERSION")))
        .manual("vescli");
    let mut text = Vec::new();
    let written = man
        .render_title(&mut text)
        .and_then(|()| man.render_name_section(&mut text))
        .and_then(|()| man.render_synopsis_section(&mut text))
        .and_then(|()| man.render_description_section(&mut text))
        .and_then(|()| man.render_options_section(&mut text))
        .and_then(|()| if command.has_subcommands() { man.render_subcommands_section(&mut text) } else { Ok(()) });
    written.expect("memory can be written");
    let mut roff = Roff::new();
    if !notes.trim().is_empty() && !name.ends_with("vescli") {
        heading(&mut roff, "NOTES");
        verbatim(&mut roff, notes.trim());
    }
    exit_status(&mut roff, name);
    environment(&mut roff, command);
    files(&mut roff);
    heading(&mut roff, "EXAMPLES");
    verbatim(&mut roff, if examples.trim().is_empty() { default_example(name) } else { examples.trim_end() });
    heading(&mut roff, "SEE ALSO");
    roff.text([
        bold("vescli"),
        roman("(1), "),
        bold("vescli-send-password-email"),
        roman("(1), "),
        bold("vescli-explain"),
        roman("(1)"),
    ]);
    text.extend(roff.render().into_bytes());
    settle(&String::from_utf8(text).expect("man pages are text"))
}

/// Puts the title right, and drops trailing blanks, which are noise in a file that is committed.
fn settle(text: &str) -> String {
    text.lines()
        .map(|line| match line.strip_prefix(".TH ") {
            // clap_mangen leaves an empty date out, and the source would take its place.
            Some(title) => format!(".TH {}\n", title.replacen(" 1  ", " 1 \"\" ", 1)),
            None => format!("{}\n", line.trim_end()),
        })
        .collect()
}

fn heading(roff: &mut Roff, title: &str) {
    roff.control("SH", [title]);
}

fn verbatim(roff: &mut Roff, text: &str) {
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

fn entry(roff: &mut Roff, term: Vec<Inline>, text: &str) {
    roff.control("TP", []);
    roff.text(term);
    roff.text([roman(text)]);
}

fn exit_status(roff: &mut Roff, name: &str) {
    heading(roff, "EXIT STATUS");
    let sends = ["vescli", "vescli-send-password-email", "vescli-bulk", "vescli-doctor"].contains(&name);
    let told = |row: &&ExitRow| sends || LOCAL.contains(&row.exit);
    for row in exits().filter(told) {
        let status = if row.statuses.is_empty() { String::new() } else { format!(" (HTTP {})", row.statuses) };
        let text = format!(
            "{}{status}: {} Outcome: {}. Safe to run again: {}.",
            row.name, row.meaning, row.outcome, row.again
        );
        entry(roff, vec![bold(row.exit.code().to_string())], &text);
    }
    if sends {
        roff.control("PP", []);
        roff.text([roman("After SIGINT or SIGTERM the process dies by the signal (130, 143 in the shell).")]);
    }
}

fn environment(roff: &mut Roff, command: &Command) {
    heading(roff, "ENVIRONMENT");
    roff.text([roman("Every flag is also a variable; a variable that is empty counts as not set.")]);
    let takes = |spec: &&SettingSpec| command.get_arguments().any(|argument| argument.get_long() == Some(spec.flag));
    for spec in specs().filter(takes) {
        entry(roff, vec![bold(spec.variable())], spec.help);
    }
    if command.get_arguments().any(|argument| argument.get_long() == Some("token-file")) {
        for (name, help) in SECRET_VARIABLES.iter().chain(&FOREIGN_VARIABLES) {
            entry(roff, vec![bold(*name)], help);
        }
        for spec in specs().filter(takes) {
            if let Some(foreign) = spec.f5_variable {
                entry(
                    roff,
                    vec![bold(foreign)],
                    &format!("The same as {}, when nothing stronger gives it", spec.variable()),
                );
            }
        }
    }
}

fn files(roff: &mut Roff) {
    heading(roff, "FILES");
    entry(
        roff,
        vec![italic("$XDG_CONFIG_HOME/vescli/config.toml"), roman(", else "), italic("~/.config/vescli/config.toml")],
        "The configuration; see `vescli help config`.",
    );
    entry(
        roff,
        vec![italic("$XDG_STATE_HOME/vescli/"), roman(", else "), italic("~/.local/state/vescli/")],
        "Journals of bulk runs.",
    );
}

/// A page whose command has no examples of its own shows the command itself.
fn default_example(name: &str) -> &'static str {
    match name {
        "vescli" => {
            "  vescli sandbox -- vescli send-password-email --email hello@example.com\n  vescli help exit-codes"
        }
        "vescli-explain" => "  vescli explain 42\n  vescli explain 503\n  vescli explain rate_limited",
        "vescli-completions" => "  vescli completions bash > ~/.local/share/bash-completion/completions/vescli",
        "vescli-config" => "  vescli config init --tenant example-corp\n  vescli config explain --profile prod",
        "vescli-config-path" => "  vescli config path",
        "vescli-config-init" => "  vescli config init --tenant example-corp --token-file ~/.config/vescli/prod.token",
        "vescli-config-show" => "  vescli config show",
        "vescli-config-explain" => "  vescli config explain --profile prod",
        "vescli-config-check" => "  vescli config check --config ./vescli.toml",
        "vescli-config-profiles" => "  vescli config profiles",
        "vescli-help" => "  vescli help send-password-email\n  vescli help exit-codes",
        other => panic!("{other} has no example: give its command an after_help with `Examples:`"),
    }
}
