//! Long help goes through the pager that the user has chosen, on a real terminal: that of tmux.

use std::fs;

use crate::terminal::Terminal;
use support::harness::Vescli;

#[test]
fn help_that_is_longer_than_the_screen_goes_through_the_pager() {
    let vescli = Vescli::new();
    let folder = vescli.folder();
    let terminal = Terminal::sized(folder, [80, 24], "sh", &[("VESCLI_TOKEN", "s3cret-token")]);
    // less stops at the first screen, and leaves it there when it ends.
    let screen = terminal.types("vescli help bulk; echo code $?", "CSV with a column");
    assert!(!screen.contains("code 0"), "{screen}");
    terminal.types("q", "code 0");
    terminal.types("vescli bulk --help; echo code $?", "Usage: vescli bulk [OPTIONS] <FILE>");
    terminal.types("q", "code 0");
    // Ctrl-C is for the pager, and so ends neither it nor vescli.
    terminal.types("vescli help bulk; echo code $?", "CSV with a column");
    terminal.types("C-c", ":");
    terminal.types("q", "code 0");
    // The shell runs the command of the variable.
    for command in ["vescli help json", "vescli send --help", "vescli --help"] {
        let line = format!("PAGER='sed s/^/paged:/ | tail -n 3' {command}; echo code $?");
        let screen = terminal.types(&line, "code 0");
        assert_eq!(screen.matches("\npaged:").count(), 3, "{screen}");
    }
    // A pager that is closed early is not an error, and without the pager the help is still shown.
    terminal.types("PAGER='head -n 1' vescli help bulk; echo code $?", "\nThe list\ncode 0");
    for pager in ["no-such-pager 2>/dev/null", "", "cat"] {
        let line = format!("PAGER='{pager}' vescli help bulk; echo code $?");
        let screen = terminal.types(&line, "code 0");
        assert!(screen.contains("The command `vescli bulk`: see `vescli bulk --help`."), "{pager}: {screen}");
    }
    // No secret gets into the environment of the pager.
    terminal.types("PAGER='env >seen' vescli help bulk; echo code $?", "code 0");
    let seen = fs::read_to_string(folder.join("seen")).unwrap();
    assert!(seen.contains("LESS=FRX") && !seen.contains("s3cret"), "{seen}");
}

#[test]
fn what_fits_on_the_screen_and_what_is_piped_goes_through_no_pager() {
    let vescli = Vescli::new();
    let terminal = Terminal::sized(vescli.folder(), [80, 24], "sh", &[("PAGER", "sed s/^/paged:/")]);
    for command in
        ["vescli -h", "vescli bulk -h", "vescli help config path | tail -n 5", "vescli bulk --help | tail -n 5"]
    {
        let screen = terminal.types(&format!("{command}; echo code $?"), "code 0");
        assert!(!screen.contains("paged:"), "{screen}");
    }
    // A terminal that cannot move its cursor needs no pager.
    let screen = terminal.types("TERM=dumb vescli help bulk; echo code $?", "code 0");
    assert!(!screen.contains("paged:"), "{screen}");
}

#[test]
fn long_help_that_fits_on_the_screen_goes_through_no_pager_and_is_as_wide_as_the_terminal() {
    let vescli = Vescli::new();
    let terminal = Terminal::sized(vescli.folder(), [50, 60], "sh", &[("PAGER", "sed s/^/paged:/")]);
    let screen = terminal.types("vescli help config path; echo code $?", "code 0");
    assert!(!screen.contains("paged:"), "{screen}");
    // A terminal breaks lines anywhere, vescli between words.
    let narrow = vescli.args(["help", "config", "path"]).env("COLUMNS", "50").stdout_contains("").run().stdout;
    for line in narrow.lines() {
        assert!(screen.contains(&format!("{line}\n")), "{line:?} is not in\n{screen}");
    }
}
