//! `vescli journal`: inspects, repairs and removes the journals of bulk runs, and writes down what an operator found out.

mod check;
mod find;
mod list;
mod remove;
mod repair;
mod resolve;
mod show;

use std::path::{Path, PathBuf};

use super::error::CommandError;
use crate::args::environment::{Environment, SANDBOX_VARIABLE};
use crate::args::journal_command::JournalAction;
use crate::args::layer::Layer;
use crate::bulk::journal::journal_folder;
use crate::report::exit::Exit;
use crate::report::safe_text::SafeText;
use crate::report::streams::{Paint, Streams};
use crate::report::{Reporter, Subject};
use crate::settings::Output;
use crate::settings::error::SettingsError;

/// What is told on standard output, and how the command ends.
struct Event {
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
pub fn run(action: &JournalAction, flags: &Layer, environment: &Environment, streams: &mut Streams) -> Exit {
    let output = Output::early(flags, environment);
    let mut reporter = Reporter::new(streams, output, environment);
    let form = Form { json: output.json, paint: reporter.out_paint(), safe: SafeText::default() };
    let told = tell(action, flags, environment, &form, &mut reporter)
        .and_then(|told| Ok(reporter.print(&told.text).map(|()| told.exit)?));
    told.unwrap_or_else(|fault| reporter.trouble(&Subject::default(), &fault.trouble()))
}

fn tell(
    action: &JournalAction,
    flags: &Layer,
    environment: &Environment,
    form: &Form,
    reporter: &mut Reporter,
) -> Result<Event, CommandError> {
    // Within a sandbox it is the journals of rehearsals that are meant.
    let is_rehearsal = environment.get(SANDBOX_VARIABLE).is_some();
    let folder = journal_folder(environment, is_rehearsal)?;
    let find = |file: &Option<PathBuf>| find::find(file.as_deref(), &folder, form);
    let accepted = |text| Event { text, exit: Exit::Accepted };
    let variables = || Layer::from_variables(environment).map_err(SettingsError::from);
    Ok(accepted(match action {
        JournalAction::Check(file) => return check::check(&find(file)?, form),
        JournalAction::List => list::list(&folder, form)?,
        JournalAction::Show(file) => show::show(&find(file)?, form)?,
        JournalAction::Resolve { file, emails } => {
            let request = resolve::Request::of(emails, flags, &variables()?)?;
            resolve::resolve(&find(file)?, &request, form)?
        }
        JournalAction::Repair(file) => repair::repair(&find(file)?, flags, environment, form)?,
        JournalAction::Remove(file) => {
            let request = remove::Request::of(flags, &variables()?)?;
            remove::one(&find(&Some(file.clone()))?, &request, form, reporter)?
        }
        JournalAction::Prune => {
            let request = remove::Request::of(flags, &variables()?)?;
            let journals = journal_folder(environment, false)?;
            let rehearsals = journal_folder(environment, true)?;
            remove::prune(&journals, &rehearsals, &request, form, reporter)?
        }
    }))
}
