//! Completion by the shells' own machinery: bash with the loader of bash-completion on the terminal of tmux, zsh by `zpty`,
//! fish by `complete -C`. Both kinds of scripts: those that are installed, and those that ask vescli.

use std::fs;

use crate::scripts::path_of;
use crate::terminal::Terminal;
use support::harness::{Output, Vescli};
use support::server::Server;

const CONFIG: &str = "[profiles.staging]\ntenant = \"t\"\n\n[profiles.prod]\ntenant = \"t\"\n";

/// What is typed and what is there after a Tab, whichever script a shell has.
const BOTH: [(&str, &str); 7] = [
    ("vescli send --retry-u", "--retry-unknown"),
    ("vescli journal pru", "vescli journal prune"),
    ("vescli completions pow", "vescli completions powershell"),
    ("vescli bulk use", "vescli bulk users.csv"),
    ("vescli send --token-file my", "--token-file my\\ token"),
    ("vescli sandbox -- inner al", "-- inner alpha"),
    ("vescli sandbox --rate 30 -- inner -x be", "-- inner -x beta"),
];

/// The same, where only vescli knows.
const ASKED: [(&str, &str); 9] = [
    ("vescli send -p st", "-p staging"),
    ("vescli send --profile=st", "--profile=staging"),
    ("vescli doctor --config other.toml --profile o", "--profile only"),
    ("vescli journal show us", "vescli journal show users.csv"),
    ("vescli journal rm ~/.local/state/vescli/users", "/users.csv-"),
    ("vescli help exit", "vescli help exit-codes"),
    ("vescli help journal res", "vescli help journal resolve"),
    ("vescli explain rate_l", "vescli explain rate_limited"),
    ("vescli explain 9", "vescli explain 97"),
];

/// A home with profiles, and a list that was sent: its journal is the only thing that tells it from `usual.txt`.
fn home(server: &Server) -> Output {
    Vescli::new()
        .args(["bulk", "users.csv", "--yes", "--rate", "none"])
        .against(server)
        .env("VESCLI_TENANT", "t")
        .file("users.csv", "email\nada@example.com\n")
        .file("usual.txt", "")
        .file("my token", "s3cret")
        .file("other.toml", "[profiles.only]\ntenant = \"t\"\n")
        .config(CONFIG)
        .stdout_contains("1 accepted")
        .stderr_contains("")
        .run()
}

fn write(home: &Output, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = home.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Types all lines into an interactive bash that has read these files.
fn completed_in_bash(files: &[(&str, &str)], lines: &[(&str, &str)]) {
    let server = Server::http().start();
    let home = home(&server);
    write(&home, files);
    let terminal = Terminal::sized(&home.folder, [120, 24], "bash --rcfile rc", &[]);
    terminal.types("echo rea''dy", "\nready");
    for (line, expected) in lines {
        terminal.completes(line, expected);
    }
    drop(terminal);
}

const BASH: &str = "PS1='$ '\nsource /usr/share/bash-completion/bash_completion\ncomplete -W 'alpha beta' inner\n";
const FISH: &str = "complete -c inner -f -a 'alpha beta'\n";

fn installed(name: &str) -> String {
    Vescli::new().args(["completions", name]).stdout_contains("vescli").run().stdout
}

#[test]
fn bash_completes_with_the_script_that_its_loader_finds() {
    let script = installed("bash");
    let files = [("rc", BASH), (".local/share/bash-completion/completions/vescli", script.as_str())];
    completed_in_bash(&files, &BOTH);
}

#[test]
fn bash_completes_what_vescli_knows() {
    let rc = format!("{BASH}source <(COMPLETE=bash vescli)\n");
    completed_in_bash(&[("rc", &rc)], &[&BOTH[..], &ASKED].concat());
}

#[test]
fn bash_without_bash_completion_completes_the_inner_command_by_its_name() {
    let rc = "PS1='$ '\nsource <(COMPLETE=bash vescli)\n";
    let lines = [
        ("vescli send -p st", "-p staging"),
        ("vescli sandbox -- vesc", "-- vescli"),
        ("vescli sandbox -- cat usu", "cat usual.txt"),
    ];
    completed_in_bash(&[("rc", rc)], &lines);
}

const ZSH: &str = "PS1='$ '\nfpath=(~/functions $fpath)\nautoload -U compinit\ncompinit -u -D\n\
    _inner() { compadd alpha beta }\ncompdef _inner inner\n";

/// Types its arguments into an interactive zsh, each with a Tab behind it, and prints the lines that zsh makes of them. zsh
/// shows its line by the widget `show`, because what it draws after a Tab depends on what was there before.
const ZPTY: &str = r#"
zmodload zsh/zpty zsh/zselect
zpty typed zsh -f -i
terminal=$REPLY
read_until() {
    shown=
    until [[ $shown == *$~1* ]]; do
        zselect -t 3000 -r $terminal && zpty -r -t typed chunk || { print -ru2 -- "$1 never came: ${(qqqq)shown}"; exit 1 }
        shown+=$chunk
    done
}
zpty -w typed 'source ~/rc; show() { zle -I; print -r -- "<<$BUFFER>>"; BUFFER= }; zle -N show; bindkey "^Xs" show; echo rea""dy'
read_until ready
for line; do
    zpty -w -n typed $line$'\t\x18s'
    read_until '<<*>>'
    print -r -- ${${shown##*<<}%%>>*}
done
"#;

fn completed_in_zsh(files: &[(&str, &str)], lines: &[(&str, &str)]) {
    let server = Server::http().start();
    let home = home(&server);
    write(&home, files);
    let zsh = home.again_with(path_of("zsh")).env("PATH", support::program_folder() + ":/usr/bin:/bin");
    let typed = lines.iter().map(|(line, _)| *line);
    let completed = zsh.args(["-f", "-c", ZPTY, "zsh"]).args(typed).stdout_contains("").run().stdout;
    assert_eq!(completed.lines().count(), lines.len(), "{completed}");
    for ((line, expected), completed) in lines.iter().zip(completed.lines()) {
        assert!(completed.contains(expected), "{line}: {completed}");
    }
}

#[test]
fn zsh_completes_with_the_script_in_its_path() {
    completed_in_zsh(&[("rc", ZSH), ("functions/_vescli", &installed("zsh"))], &BOTH);
}

#[test]
fn zsh_completes_what_vescli_knows() {
    let rc = format!("{ZSH}source <(COMPLETE=zsh vescli)\n");
    completed_in_zsh(&[("rc", &rc)], &[&BOTH[..], &ASKED].concat());
}

/// What fish offers for a line.
fn offered(home: &Output, script: &str, line: &str) -> String {
    let commands = format!("{FISH}{script} | source\ncomplete -C '{line}'");
    let fish = home.again_with(path_of("fish")).env("PATH", support::program_folder() + ":/usr/bin:/bin");
    fish.args(["--no-config", "-c", &commands]).stdout_contains("").run().stdout
}

#[test]
fn fish_completes_with_both_scripts() {
    let server = Server::http().start();
    let home = home(&server);
    let last = |text: &str| text.rsplit(' ').next().unwrap().to_owned();
    for (script, lines) in
        [("vescli completions fish", BOTH.to_vec()), ("COMPLETE=fish vescli", [&BOTH[..], &ASKED].concat())]
    {
        // The generator of fish's script gives an argument no values.
        let lines = lines.into_iter().filter(|(line, _)| script.starts_with("COMPLETE") || !line.contains("pow"));
        for (line, expected) in lines {
            let offered = offered(&home, script, line);
            // fish shows a file as it is called, and quotes it when it inserts it.
            assert!(offered.contains(&last(expected)), "{script}: {line}: {offered}");
        }
        assert_eq!(offered(&home, script, "vescli sandbox -- inner "), "alpha\nbeta\n", "{script}");
    }
}
