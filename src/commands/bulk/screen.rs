//! What is shown of a run: a line or document for each row, warnings, progress. A standard output that fails does not stop
//! the run, and a closed reader is not an error.

use std::io::{self, stderr};
use std::thread;
use std::time::Duration;

use terminal_size::{Width, terminal_size_of};

use super::prepare::Prepared;
use super::progress::{Form, Progress};
use crate::api::outcome::{AttemptResult, Class, Outcome};
use crate::args::environment::Environment;
use crate::bulk::gate::Gate;
use crate::bulk::journal::{Delivered, Writer};
use crate::bulk::list::Row;
use crate::bulk::results::{Event, RowEnd, Stop, Tally};
use crate::report::junit::Cases;
use crate::report::{Reporter, bulk_json, bulk_text, text};

/// How often the progress is updated.
const TICK: Duration = Duration::from_millis(100);
/// When rows end faster than they are shown, wait this long for more: waking up for each costs the workers time, and no
/// one sees the difference.
const BATCH_DELAY: Duration = Duration::from_millis(5);
/// Most events that are shown in one write.
const BATCH: usize = 512;

/// The screen of one run.
pub(super) struct Screen<'a, 'r, 's> {
    reporter: &'r mut Reporter<'s>,
    prepared: &'a Prepared,
    pub(super) progress: Progress,
    pub(super) tally: Tally,
    /// The error of standard output.
    pub(super) broken: Option<io::Error>,
    /// The end of each row, if a report needs it.
    pub(super) cases: Option<Cases>,
    stop_announced: bool,
}

impl<'a, 'r, 's> Screen<'a, 'r, 's> {
    pub(super) fn new(
        reporter: &'r mut Reporter<'s>,
        prepared: &'a Prepared,
        rows: u64,
        environment: &Environment,
    ) -> Self {
        let output = reporter.output();
        let is_dumb = environment.get("TERM").is_some_and(|term| term == "dumb");
        let form = if output.quiet {
            Form::Silent
        } else if reporter.terminals().stderr && !is_dumb {
            Form::Bar(reporter.err_style())
        } else {
            Form::Plain
        };
        Self {
            reporter,
            prepared,
            progress: Progress::start(form, rows, prepared.bulk.rate),
            tally: Tally::default(),
            broken: None,
            cases: None,
            stop_announced: false,
        }
    }

    /// Shows what the workers report, until the last of them has ended.
    pub(super) fn listen(&mut self, journal: &Writer<Event>, gate: &Gate) {
        while let Some(events) = journal.events(TICK) {
            let busy = events.len() > 1;
            if let (true, Some(stopped)) = (events.iter().any(|event| !event.is_written), journal.stopped()) {
                gate.stop(Stop::journal(&stopped));
            }
            let mut events = events.into_iter().filter_map(checked).peekable();
            while events.peek().is_some() {
                self.show(events.by_ref().take(BATCH));
            }
            if busy {
                thread::sleep(BATCH_DELAY);
            }
            self.announce_stop(gate);
            let progress = self.progress.update(&self.tally, gate, terminal_width());
            self.reporter.write_err(&progress);
        }
    }

    /// Shows a warning about the whole run, unless `-q` is set.
    pub(super) fn remark(&mut self, text: &str) {
        if !self.reporter.output().quiet {
            let label = self.reporter.err_style().warning("warning:");
            self.write("", &format!("{label} {text}\n"));
        }
    }

    fn show(&mut self, batch: impl Iterator<Item = Event>) {
        let (mut out, mut err) = (String::new(), String::new());
        for event in batch {
            match event {
                Event::Finished(end) => self.ended(*end, &mut out, &mut err),
                Event::Exchange { request, answer } => {
                    let bodies = self.reporter.output().verbose > 1;
                    let redactor = self.reporter.redactor();
                    let mut lines = text::request_lines(&request, bodies, redactor);
                    lines.extend(answer.iter().flat_map(|a| text::answer_lines(a, bodies, redactor)));
                    let style = self.reporter.err_style();
                    err.extend(lines.iter().map(|line| format!("{}\n", style.dim(line))));
                }
                Event::Retry { index, attempt, result, wait } if self.shows_retry(&result) => {
                    if let Some(row) = self.row(index) {
                        let (name, wait) = (self.name(row), wait.as_secs_f64());
                        let why = bulk_text::why(&result, self.reporter.redactor());
                        let note = format!("{name}: attempt {attempt}: {why}; retry in {wait:.1} s");
                        err.push_str(&format!("{}\n", self.reporter.err_style().dim(&note)));
                    }
                }
                Event::Retry { .. } => {}
            }
        }
        self.write(&out, &err);
    }

    /// A whole list whose users appear late would fill the screen with 404s: the progress counts them, `-v` names them.
    fn shows_retry(&self, result: &AttemptResult) -> bool {
        let output = self.reporter.output();
        !output.quiet && (result.class != Class::NotFound || output.verbose > 0)
    }

    fn row(&self, index: u32) -> Option<&'a Row> {
        self.prepared.list.rows.get(index as usize)
    }

    /// The name of a row, with the cname where the list has an address with several of them.
    fn name(&self, row: &Row) -> String {
        let cname = row.cname.as_deref().unwrap_or(&self.prepared.cname);
        let cname = (self.prepared.list.other_cname > 0).then_some(cname);
        bulk_text::name(row, cname, self.reporter.redactor())
    }

    fn ended(&mut self, end: RowEnd, out: &mut String, err: &mut String) {
        self.tally.add(&end);
        if let Some(cases) = &mut self.cases {
            cases.end(&end);
        }
        let Some(row) = self.row(end.index) else {
            return;
        };
        let output = self.reporter.output();
        let redactor = self.reporter.redactor();
        let name = self.name(row);
        let accepted = end.result.outcome == Outcome::Accepted;
        let line = |style| bulk_text::row(&name, &end.result, end.due, style, redactor);
        if end.unrecorded {
            let label = self.reporter.err_style().error("error:");
            let text = bulk_text::unrecorded(row, &name, &end.result);
            err.push_str(&format!("{label} {text}\n"));
        }
        if output.json {
            if !accepted && !output.quiet {
                err.push_str(&line(self.reporter.err_style()));
            }
            let cname = row.cname.as_deref().unwrap_or(&self.prepared.cname);
            out.push_str(&bulk_json::row(row, cname, &self.reporter.request, end, redactor));
        } else if !(accepted && output.quiet) {
            out.push_str(&line(self.reporter.out_style()));
        }
    }

    /// Reports once that the run is ending, while the last requests are still under way.
    fn announce_stop(&mut self, gate: &Gate) {
        if !self.stop_announced && matches!(gate.stopped(), Some(Stop::Signal(_))) {
            self.stop_announced = true;
            let text = "no new requests; waiting for those under way (Ctrl-C again ends at once)";
            self.write("", &format!("{}\n", self.reporter.err_style().warning(text)));
        }
    }

    /// Writes results and messages. After the first error nothing more goes to standard output: half a document would be
    /// worse than none.
    pub(super) fn write(&mut self, out: &str, err: &str) {
        if out.is_empty() && err.is_empty() {
            return;
        }
        let (before, after) = (self.progress.clear(), self.progress.drawn(terminal_width()));
        self.reporter.write_err(&format!("{before}{err}"));
        if !out.is_empty() && self.broken.is_none() {
            self.broken = self.reporter.write_out(out).err();
        }
        self.reporter.write_err(&after);
    }

    /// Takes the bar off the terminal.
    pub(super) fn finish(&mut self) {
        self.reporter.write_err(self.progress.finish());
    }

    /// What is left of the screen when the run is over.
    pub(super) fn reporter(&mut self) -> &mut Reporter<'s> {
        self.reporter
    }
}

/// Asked each time, for it changes when the window does.
fn terminal_width() -> usize {
    terminal_size_of(stderr()).map_or(80, |(Width(columns), _)| columns.into())
}

/// An event as it is to be shown. Without its record, a run that stops shows only ends: there will be no retry.
fn checked(Delivered { mut event, is_written }: Delivered<Event>) -> Option<Event> {
    if !is_written {
        match &mut event {
            Event::Finished(end) => (end.unrecorded, end.due) = (true, false),
            Event::Exchange { .. } => {}
            Event::Retry { .. } => return None,
        }
    }
    Some(event)
}

/// The error of standard output, for people.
pub(super) fn broken_output(error: &io::Error) -> String {
    format!("standard output could not be written: {error}; the run continued, and the journal has every row")
}
