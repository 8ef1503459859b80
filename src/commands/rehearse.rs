//! From the command line to the sandbox and back: options in, the command's own end out.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::error::CommandError;
use super::sandbox::{SandboxEnd, SandboxEnvironment, SandboxOptions, run as run_sandbox};
use crate::args::environment::Environment;
use crate::args::layer::Layer;
use crate::args::settings_table::Setting;
use crate::report::exit::Ending;
use crate::report::streams::Streams;
use crate::report::{Reporter, Subject};
use crate::settings::Output;
use crate::settings::error::SettingsError;
use crate::settings::rate::Rate;

/// Runs the sandbox. It ends as the rehearsed command does, by its code or by its signal.
pub fn run(command: &[OsString], flags: &Layer, environment: &Environment, streams: &mut Streams) -> Ending {
    let output = Output::early(flags, environment);
    let ended = options(command, flags, environment).and_then(|options| {
        let process = SandboxEnvironment::of_process(environment);
        let mut silent = io::sink();
        let err = if output.quiet { &mut silent } else { &mut *streams.err };
        Ok(run_sandbox(&options, &process, streams.out, err)?)
    });
    match ended {
        // Exit codes have eight bits; Windows has codes that do not fit, and those are failures all the same.
        Ok(SandboxEnd::Code(code)) => Ending::Child(u8::try_from(code).unwrap_or(1)),
        Ok(SandboxEnd::Signal(signal)) => Ending::Signal(signal),
        Err(fault) => {
            let exit = Reporter::new(streams, output, environment).trouble(&Subject::default(), &fault.trouble());
            match &fault {
                CommandError::Sandbox(error) => error.command_code().map_or(Ending::Exit(exit), Ending::Child),
                _ => Ending::Exit(exit),
            }
        }
    }
}

fn options(command: &[OsString], flags: &Layer, environment: &Environment) -> Result<SandboxOptions, CommandError> {
    let variables = Layer::from_variables(environment).map_err(SettingsError::from)?;
    let given = |key| flags.get(key).or_else(|| variables.get(key));
    Ok(SandboxOptions {
        // `VESCLI_RATE` is the rate of a list, and reaches the command: were it the sandbox's too, a rehearsed run would
        // meet a 429 for every request that comes a moment early.
        rate: flags.get(Setting::Rate).map(Rate::of_setting).transpose()?.flatten(),
        require_auth: flags.is_on(Setting::RequireAuth) || variables.is_on(Setting::RequireAuth),
        log: given(Setting::Log).map(|given| PathBuf::from(given.value.to_string())),
        command: command.to_vec(),
    })
}
