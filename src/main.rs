//! `vescli`: asks the process for its arguments, environment and streams, runs the library, and exits with its code.

use std::io::{IsTerminal, stderr, stdin, stdout};
use std::process::ExitCode;

use vescli::cli::args::environment::Environment;
use vescli::cli::streams::{Streams, Terminals};

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks for the arguments"
)]
fn main() -> ExitCode {
    let terminals = Terminals {
        stdin: stdin().is_terminal(),
        stdout: stdout().is_terminal(),
        stderr: stderr().is_terminal(),
    };
    // Not locked: a thread that panics has to be able to say so.
    let (mut out, mut err) = (stdout(), stderr());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        terminals,
    };
    let arguments = std::env::args_os().collect();
    ExitCode::from(vescli::run(arguments, &Environment::of_process(), &mut streams).code())
}
