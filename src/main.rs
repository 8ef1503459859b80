//! `vescli`: takes the arguments, environment and streams of the process, runs the library, and exits with its code.

use std::io::{IsTerminal, stderr, stdin, stdout};
use std::process::ExitCode;

use vescli::args::environment::Environment;
use vescli::report::exit::Ending;
use vescli::report::{Streams, Terminals};

// musl's own allocator has one lock for all threads.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::disallowed_methods, reason = "the one place that asks for the arguments")]
fn main() -> ExitCode {
    vescli::end_at_panic();
    // If a file may not grow (`ulimit -f`), the write must fail. By default the signal would kill the process before it
    // reports the outcome of its request. Children get the default back (execve(2)). If this fails, the default stays.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    let terminals =
        Terminals { stdin: stdin().is_terminal(), stdout: stdout().is_terminal(), stderr: stderr().is_terminal() };
    // Not locked, so that a thread that panics can write its message.
    let (mut out, mut err) = (stdout(), stderr());
    let streams = Streams { out: &mut out, err: &mut err, terminals };
    let arguments: Vec<_> = std::env::args_os().collect();
    match vescli::run(&arguments, &Environment::of_process(), streams) {
        Ending::Exit(exit) => ExitCode::from(exit.code()),
        Ending::Child(code) => ExitCode::from(code),
        Ending::Signal(signal) => {
            // Dies by the signal, so that a shell sees that and stops its loop. The exit code is for a signal that does
            // not kill, and for systems without signals.
            #[cfg(unix)]
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
        }
    }
}
