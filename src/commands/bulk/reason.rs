//! Why a run stopped, in words.

use crate::bulk::stop::Stop;
use crate::bulk::throttle::WAITS_MAX;
use crate::report::exit::Exit;
use crate::report::{ErrorReport, text};

/// Why a run stopped, in words, with what to do. `lost_journal`: the journal is not where it was, or not what it was.
pub(super) fn reason(stop: &Stop, lost_journal: bool) -> ErrorReport {
    let report = |exit: Exit, message: String| ErrorReport { exit, message, hint: Some(exit.row().advice.to_owned()) };
    match stop {
        Stop::Signal(_) => ErrorReport { hint: None, ..report(Exit::BulkStopped, "stopped by a signal".to_owned()) },
        Stop::Hopeless(class) => {
            let exit = Exit::from(*class);
            let title = exit.row().title;
            let text = format!("stopped: {title}; every other row would fail the same way");
            report(exit, text)
        }
        Stop::Failures(count) => ErrorReport {
            hint: Some(
                "fix the cause, then run the command that is printed: rejected rows stay without --retry-rejected"
                    .to_owned(),
            ),
            ..report(Exit::BulkStopped, format!("stopped: {count} consecutive rows were not accepted (--max-failures)"))
        },
        Stop::AsksTooLong(wait) => ErrorReport {
            hint: Some("run the same command again after that time".to_owned()),
            ..report(
                Exit::BulkStopped,
                format!("stopped: the server asks to wait {}, longer than --max-retry-after", text::duration(*wait)),
            )
        },
        Stop::AsksTooOften => report(
            Exit::RateLimited,
            format!("stopped: the service asked to wait {WAITS_MAX} times, and took nothing in between"),
        ),
        Stop::OtherRun => ErrorReport {
            hint: Some("when that run has ended, run the command that is printed".to_owned()),
            ..report(Exit::BulkStopped, "stopped: another run is mailing people on this list".to_owned())
        },
        Stop::Journal(cause) if lost_journal => ErrorReport {
            hint: Some("find out what removed, moved or changed the journal before this list is sent again".to_owned()),
            ..report(Exit::Io, format!("stopped: {cause}"))
        },
        Stop::Journal(cause) => report(Exit::Io, format!("stopped: {cause}")),
        Stop::Fault => report(Exit::Internal, "stopped by a fault of vescli".to_owned()),
    }
}
