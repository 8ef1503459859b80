//! The tree of commands with the arguments that only one of them has, and their help. The flags of the settings table are
//! added by [`command`]: most belong to several commands, and each keeps its origin.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use super::flags::{flag, flags};
use super::settings_table::{Group, Setting};

/// The topics of `vescli help` that are not commands.
pub const TOPICS: &[&str] = &["exit-codes", "environment", "config", "bulk", "json"];

/// Groups whose flags choose and address a request: every command that resolves settings takes them.
const REQUEST_GROUPS: &[Group] = &[Group::Request, Group::Target, Group::Credential, Group::Network, Group::Retry];

/// Mail a new user of an F5 Distributed Cloud tenant the link to set a password
#[derive(Parser)]
#[command(
    name = "vescli",
    version,
    after_help = "Try it without a tenant:\n  \
        vescli sandbox -- vescli send-password-email --email hello@example.com\n\n\
        More: vescli help exit-codes | environment | config | bulk | json",
    disable_help_subcommand = true,
    args_override_self = true
)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Ask the service to mail one person the link
    #[command(
        name = "send-password-email",
        visible_alias = "send",
        after_help = "Every flag is also an environment variable: VESCLI_ and the flag in upper case.\n\
            The token comes from VESCLI_TOKEN, --token-file or a profile, never from a flag.\n\n\
            Examples:\n  \
            vescli send-password-email --tenant example-corp --email hello@example.com\n  \
            vescli send --profile prod --email hello@example.com --json | jq -r .outcome\n  \
            vescli send --profile prod --email hello@example.com --dry-run"
    )]
    Send,
    /// Mail everybody on a list once; run it again to continue where it stopped
    #[command(
        after_help = "The list is CSV with a column email and an optional column cname, NDJSON with the same two, or plain lines.\n\
            Each request is recorded in a journal, so that nobody is mailed twice: see `vescli help bulk`.\n\n\
            Examples:\n  \
            vescli bulk users.csv --profile prod --dry-run\n  \
            vescli bulk users.csv --profile prod --rate 30/m --yes\n  \
            jq -c '.[] | {email}' users.json | vescli bulk - --yes --json"
    )]
    Bulk {
        /// The list; `-` reads standard input
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        input: PathBuf,
    },
    /// Create, inspect and check the configuration
    #[command(subcommand, disable_help_subcommand = true)]
    Config(ConfigAction),
    /// Inspect, repair and remove the journals of bulk runs, and resolve rows that are unknown
    #[command(
        subcommand,
        disable_help_subcommand = true,
        after_help = "FILE is a journal, or the list that it belongs to. A journal is text, a JSON object per line: grep and\n\
            jq read it too. Within `vescli sandbox`, these commands use the journals of rehearsals.\n\n\
            Examples:\n  \
            vescli journal list\n  \
            vescli journal show users.csv\n  \
            vescli journal resolve users.csv --email ada@example.com --as accepted\n  \
            vescli journal repair users.csv --list users.csv\n  \
            vescli journal prune --older-than 90d"
    )]
    Journal(JournalAction),
    /// Check configuration, credential, network and clock; mails nobody
    #[command(
        after_help = "It checks configuration, URL, credential, trusted certificates, DNS, TCP, proxy, TLS, HTTP\n\
            and clock, one line each. It sends a HEAD for / of the host, without the token, and no POST.\n\
            Its exit code is that of the first failure, the same that a send would end with.\n\n\
            Examples:\n  \
            vescli doctor --tenant example-corp\n  \
            vescli doctor --profile prod -v\n  \
            vescli doctor --profile prod --json | jq -r '.checks[] | select(.state == \"failure\") | .hint'"
    )]
    Doctor,
    /// Explain an exit code, an HTTP status or a class, and what to do
    Explain {
        /// An exit code, an HTTP status or a class; without it, the table of all
        #[arg(value_name = "CODE|NAME")]
        what: Option<String>,
    },
    /// Run a local stand-in for the service to rehearse a runbook; mails nobody
    #[command(
        after_help = "The name before the @ chooses the answer: status-429@… that status, flaky-429@… once and then 200,\n\
            late-20s@… 404 for that long and then 200 (to rehearse --wait-for-user), drop@… hangs up, slow@…\n\
            answers after a minute, html@… a login page, redirect@… a 302.\n\
            Everybody else is accepted. Without a command it prints lines to run in another terminal, and serves\n\
            until Ctrl-C.\n\n\
            Examples:\n  \
            vescli sandbox -- vescli send-password-email --email hello@example.com\n  \
            vescli sandbox -- ./onboard.sh\n  \
            vescli sandbox --rate 30/m --log requests.ndjson"
    )]
    Sandbox {
        /// Command to run against the sandbox, after --
        #[arg(last = true, num_args = 0.., value_hint = ValueHint::CommandWithArguments)]
        command: Vec<OsString>,
    },
    /// Print the completion script for a shell
    Completions { shell: Shell },
    /// Show the help of a command or a topic
    Help {
        /// A command, or exit-codes, environment, config, bulk, json
        #[arg(value_name = "COMMAND|TOPIC", num_args = 0..)]
        topic: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigAction {
    /// Print the path of the configuration file
    Path,
    /// Write a first configuration file; an existing one is left alone
    Init,
    /// Print the configuration file unchanged
    Show,
    /// Print every setting with its value and origin
    Explain,
    /// Check the configuration file
    Check,
    /// List the profiles and mark the chosen one
    Profiles,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct JournalFile {
    /// The journal, or its list; optional if there is only one journal
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum JournalAction {
    /// List the journals with their rows and times
    #[command(after_help = "Journals are kept in $XDG_STATE_HOME/vescli if that is an absolute path,\n\
        else in ~/.local/state/vescli; those of rehearsals in the folder rehearsals below it.\n\n\
        Examples:\n  \
        vescli journal list\n  \
        vescli journal list --json | jq -r '.journals[] | select(.rows.unknown > 0) | .path'")]
    List,
    /// Print a summary, then the rows that need a decision
    #[command(after_help = "A row needs a decision when its outcome is unknown: the person may have been mailed.\n\
        No run sends it until then.\n\n\
        Examples:\n  \
        vescli journal show users.csv\n  \
        vescli journal show users.csv --json | jq -r '.unknown[].email'")]
    Show(JournalFile),
    /// Check a journal: what is damaged, where, and what to do
    #[command(after_help = "It changes nothing. The exit code is 65 when the journal is damaged.\n\n\
        Examples:\n  \
        vescli journal check users.csv\n  \
        vescli journal check users.csv --json | jq .damage")]
    Check(JournalFile),
    /// Print everybody in a journal with outcome and time: CSV, or with --json an object per line
    #[command(
        after_help = "The columns are email, cname, outcome, at, status, attempts, resolved (by an operator), row, run, user,\n\
        host and job; JSON has the same fields. A CSV cell that begins like a formula (= + - @, tab, CR) gets an\n\
        apostrophe in front. The journal may be in use. Older journals do not say user, host and job.\n\n\
        Examples:\n  \
        vescli journal export users.csv > audit.csv\n  \
        vescli journal export users.csv --json | jq -r 'select(.outcome == \"accepted\") | .email'"
    )]
    Export {
        #[command(flatten)]
        journal: JournalFile,
        /// Print CSV, also where a variable asks for JSON
        #[arg(long)]
        csv: bool,
    },
    /// Record the outcome of rows that are unknown; sends nothing
    #[command(after_help = "Find out first: ask the person, or look in the console.\n\
        If one of the rows is not unknown, nothing is written. After --as not-sent the next run sends the row;\n\
        after --undo it is unknown again.\n\n\
        Examples:\n  \
        vescli journal resolve users.csv --email ada@example.com --as accepted\n  \
        vescli journal resolve users.csv -e bob@example.com -e cy@example.com --as not-sent\n  \
        vescli journal resolve users.csv --all-unknown --as accepted\n  \
        vescli journal resolve users.csv --email bob@example.com --undo")]
    Resolve {
        #[command(flatten)]
        journal: JournalFile,
        /// Address of a row; may be repeated
        #[arg(long = "email", short = 'e', value_name = "ADDR", value_hint = ValueHint::Other)]
        #[arg(help_heading = Group::Journal.heading())]
        emails: Vec<String>,
    },
    /// Make a damaged journal usable again: people who may be on a damaged line become unknown
    #[command(
        after_help = "Damaged lines are removed. People who may be on one of them become unknown, and no run mails\n\
        them until `vescli journal resolve` decides. The old file is kept beside the new one.\n\
        --cname and the target are used only if no record of a run is left.\n\n\
        Examples:\n  \
        vescli journal repair users.csv --list users.csv\n  \
        vescli journal show users.csv"
    )]
    Repair(JournalFile),
    /// Remove one journal
    #[command(
        name = "rm",
        after_help = "The record of who was mailed is lost: the next run of the same list mails everybody again.\n\
            A journal that a run is using is not removed.\n\n\
            Examples:\n  \
            vescli journal rm users.csv\n  \
            vescli journal rm users.csv --yes"
    )]
    Remove {
        /// The journal, or its list
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Remove journals of finished runs, and files that killed runs left behind
    #[command(
        after_help = "A run is finished when no row is left to send and none is unknown. Journals of rehearsals count as\n\
        finished. Without --older-than only the files of killed runs are removed.\n\n\
        Examples:\n  \
        vescli journal prune --older-than 90d --dry-run\n  \
        vescli journal prune --older-than 90d --yes"
    )]
    Prune,
}

/// The tree with the flags of every command.
pub fn command() -> clap::Command {
    CommandLine::command().args(flags(&[Group::Output]).map(|arg| arg.global(true))).mut_subcommands(with_flags)
}

fn with_flags(command: clap::Command) -> clap::Command {
    match command.get_name() {
        "send-password-email" => command.args(flags(REQUEST_GROUPS)).args(flags(&[Group::Safety])),
        "bulk" => command
            .args(flags(REQUEST_GROUPS).filter(|arg| arg.get_id() != Setting::Email.spec().flag))
            .args(flags(&[Group::Bulk]))
            .arg(flag(Setting::DryRun).help("Print the plan and send nothing"))
            .arg(flag(Setting::NoInput)),
        "config" => command.mut_subcommands(with_config_flags),
        "journal" => command.mut_subcommands(with_journal_flags),
        "doctor" => command.args(flags(&[Group::Target, Group::Credential, Group::Network])),
        "sandbox" => {
            let rate = "Answer 429 to requests beyond this rate: 30/m, 30 (a minute), 0.5/s [default: no limit]";
            let rate = flag(Setting::Rate).help(rate).help_heading(Group::Sandbox.heading());
            command.args(flags(&[Group::Sandbox])).arg(rate)
        }
        _ => command,
    }
}

fn with_config_flags(command: clap::Command) -> clap::Command {
    use Setting::{Cname, Config, Profile, Tenant, TokenFile};

    match command.get_name() {
        "path" | "show" | "check" => command.arg(flag(Config)),
        "init" => command.args([Config, Tenant, Cname, TokenFile].map(flag)),
        "explain" => command.args(flags(REQUEST_GROUPS)),
        "profiles" => command.args([Config, Profile].map(flag)),
        _ => command,
    }
}

fn with_journal_flags(command: clap::Command) -> clap::Command {
    use Setting::{AllUnknown, As, Cname, DryRun, List, NoInput, OlderThan, Undo, Yes};

    let confirmation = || [Yes, NoInput].map(|key| flag(key).help_heading(Group::Safety.heading()));
    match command.get_name() {
        "resolve" => command.args([Cname, As, AllUnknown, Undo].map(flag)),
        "repair" => command.args([List, Cname].map(flag)).args(flags(&[Group::Target])),
        "rm" => command.args(confirmation()),
        "prune" => command
            .arg(flag(OlderThan))
            .arg(flag(DryRun).help("Show what would be removed, and remove nothing"))
            .args(confirmation()),
        _ => command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::settings_table::specs;

    #[test]
    fn clap_accepts_the_commands() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_of_the_table_belongs_to_a_command() {
        fn all(command: &clap::Command, found: &mut Vec<String>) {
            found.extend(command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)));
            command.get_subcommands().for_each(|sub| all(sub, found));
        }
        let mut found = Vec::new();
        all(&command(), &mut found);
        for spec in specs().filter(|spec| spec.is_flag()) {
            assert!(found.iter().any(|flag| flag == spec.flag), "--{}", spec.flag);
        }
    }
}
