//! `vescli`: asks the process for its arguments, environment and streams, runs the library, and exits with its code.

use std::io::{IsTerminal, stderr, stdin, stdout};
use std::process::ExitCode;

use vescli::args::environment::Environment;
use vescli::report::exit::Ending;
use vescli::report::streams::{Streams, Terminals};

#[expect(clippy::disallowed_methods, reason = "the one place that asks for the arguments")]
fn main() -> ExitCode {
    write_errors_not_signals();
    let terminals =
        Terminals { stdin: stdin().is_terminal(), stdout: stdout().is_terminal(), stderr: stderr().is_terminal() };
    // Not locked: a thread that panics has to be able to say so.
    let (mut out, mut err) = (stdout(), stderr());
    let mut streams = Streams { out: &mut out, err: &mut err, terminals };
    let arguments: Vec<_> = std::env::args_os().collect();
    match vescli::run(&arguments, &Environment::of_process(), &mut streams) {
        Ending::Exit(exit) => ExitCode::from(exit.code()),
        Ending::Child(code) => ExitCode::from(code),
        Ending::Signal(signal) => die_by(signal),
    }
}

/// From now on a file that may not grow (`ulimit -f`) is an error of the write, and not the end of the process, which
/// could not say any more what became of a request. Children get the default back (execve(2)).
#[cfg(unix)]
fn write_errors_not_signals() {
    // Where it cannot be had, everything is as it was.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

#[cfg(not(unix))]
fn write_errors_not_signals() {}

/// Dies by a signal, so that the shell around it sees what happened and stops its loop.
#[cfg(unix)]
fn die_by(signal: i32) -> ExitCode {
    // Does not come back from a signal that kills; should it, the shell's own number for such an end is told.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
}

#[cfg(not(unix))]
fn die_by(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
}
