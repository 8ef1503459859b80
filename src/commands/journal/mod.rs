//! `vescli journal`: looks into the journals of bulk runs, and writes down what an operator found out.

mod check;
mod list;
mod resolve;
mod show;

use std::path::{Path, PathBuf};

use super::fault::Fault;
use crate::bulk::journal::{JournalError, kept_in, state_folder};
use crate::cli::args::environment::Environment;
use crate::cli::args::journal_command::JournalAction;
use crate::cli::args::layer::Layer;
use crate::cli::exit::Exit;
use crate::cli::report::{Reporter, Subject, Trouble};
use crate::cli::safe_text::SafeText;
use crate::cli::streams::{Paint, Streams};
use crate::settings::error::SettingsError;
use crate::settings::resolve::Output;

/// What is told on standard output, and how the command ends.
struct Told {
    text: String,
    exit: Exit,
}

/// The form in which it is told.
struct Form {
    json: bool,
    paint: Paint,
    safe: SafeText,
}

impl Form {
    /// A path as it may be shown.
    fn path(&self, path: &Path) -> String {
        self.safe.shown(&path.to_string_lossy())
    }
}

/// Does what was asked for, and tells it.
pub fn run(
    action: &JournalAction,
    flags: &Layer,
    environment: &Environment,
    streams: &mut Streams,
) -> Exit {
    let output = Output::early(flags, environment);
    let mut reporter = Reporter::new(streams, output, environment);
    let form = Form {
        json: output.json,
        paint: reporter.out_paint(),
        safe: SafeText::default(),
    };
    let told = tell(action, flags, environment, &form)
        .and_then(|told| Ok(reporter.print(&told.text).map(|()| told.exit)?));
    told.unwrap_or_else(|fault| reporter.trouble(&Subject::default(), &fault.trouble()))
}

fn tell(
    action: &JournalAction,
    flags: &Layer,
    environment: &Environment,
    form: &Form,
) -> Result<Told, Fault> {
    let named = |file: &Option<PathBuf>| match file {
        Some(file) => Ok(file.clone()),
        None => the_only_one(environment, form),
    };
    let accepted = |text| Told {
        text,
        exit: Exit::Accepted,
    };
    match action {
        JournalAction::List => Ok(accepted(list::list(&folder(environment)?, form)?)),
        JournalAction::Show(file) => Ok(accepted(show::show(&named(file)?, form)?)),
        JournalAction::Check(file) => check::check(&named(file)?, form),
        JournalAction::Resolve(file) => {
            let variables = Layer::of_variables(environment).map_err(SettingsError::from)?;
            let given = resolve::Given::of(flags, &variables)?;
            Ok(accepted(resolve::resolve(&named(file)?, &given, form)?))
        }
    }
}

fn folder(environment: &Environment) -> Result<PathBuf, Fault> {
    Ok(state_folder(environment).ok_or(JournalError::NoHome)?)
}

/// The only journal there is.
fn the_only_one(environment: &Environment, form: &Form) -> Result<PathBuf, Fault> {
    let folder = folder(environment)?;
    let mut journals = kept_in(&folder)?;
    match journals.len() {
        1 => Ok(journals.remove(0)),
        0 => Err(Trouble {
            exit: Exit::NoInput,
            message: format!("there is no journal in {}", form.path(&folder)),
            hint: Some("name the file of the journal".to_owned()),
        }
        .into()),
        many => Err(Fault::Usage {
            message: format!("there are {many} journals in {}", form.path(&folder)),
            hint: "name one of them: `vescli journal list` shows them".to_owned(),
        }),
    }
}
