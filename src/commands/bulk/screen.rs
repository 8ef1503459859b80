//! What is shown of a run: a line or document for each row, warnings, progress. A standard output that fails does not stop
//! the run, and a closed reader is not an error.

use std::time::{Duration, Instant};
use std::{io, thread};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::prepare::Prepared;
use crate::api::outcome::{AttemptResult, Class, Outcome};
use crate::args::environment::Environment;
use crate::bulk::event::{Event, RowEnd, Stop};
use crate::bulk::gate::Gate;
use crate::bulk::journal::{Delivered, Writer};
use crate::bulk::list::Row;
use crate::bulk::tally::Tally;
use crate::report::bulk_text::{self, outcomes};
use crate::report::junit::Cases;
use crate::report::text::{self, duration, grouped};
use crate::report::{Reporter, bulk_json};
use crate::settings::rate::Rate;

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
            Form::Bar { colour: reporter.err_style().has_colors() }
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
            if let Some(line) = self.progress.update(&self.tally, gate) {
                self.reporter.write_err(&line);
            }
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
                    for line in lines {
                        err.push_str(&format!("{}\n", style.dim(&line)));
                    }
                }
                Event::Retry { index, attempt, result, wait } if self.shows_retry(&result) => {
                    if let Some(row) = self.row(index) {
                        let why = bulk_text::why(&result, self.reporter.redactor());
                        let email = self.name(row);
                        let wait = wait.as_secs_f64();
                        let note = format!("{email}: attempt {attempt}: {why}; retry in {wait:.1} s");
                        let note = self.reporter.err_style().dim(&note);
                        err.push_str(&format!("{note}\n"));
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
        if end.unrecorded {
            let label = self.reporter.err_style().error("error:");
            let text = bulk_text::unrecorded(row, &name, &end.result);
            err.push_str(&format!("{label} {text}\n"));
        }
        if output.json {
            if !accepted && !output.quiet {
                let style = self.reporter.err_style();
                err.push_str(&bulk_text::row(&name, &end.result, end.due, style, redactor));
            }
            let cname = row.cname.as_deref().unwrap_or(&self.prepared.cname);
            out.push_str(&bulk_json::row(row, cname, &self.reporter.request, end, redactor));
        } else if !(accepted && output.quiet) {
            let style = self.reporter.out_style();
            out.push_str(&bulk_text::row(&name, &end.result, end.due, style, redactor));
        }
    }

    /// Reports once that the run is ending, while the last requests are still under way.
    fn announce_stop(&mut self, gate: &Gate) {
        if self.stop_announced {
            return;
        }
        if let Some(Stop::Signal(_)) = gate.stopped() {
            self.stop_announced = true;
            let text = "no new requests; waiting for those under way (Ctrl-C again ends at once)\n";
            let text = self.reporter.err_style().warning(text.trim_end());
            self.write("", &format!("{text}\n"));
        }
    }

    /// Writes results and messages. After the first error nothing more goes to standard output: half a document would be
    /// worse than none.
    pub(super) fn write(&mut self, out: &str, err: &str) {
        let Self { progress, reporter, broken, .. } = self;
        if out.is_empty() && err.is_empty() {
            return;
        }
        progress.aside(|| {
            if !err.is_empty() {
                reporter.write_err(err);
            }
            if !out.is_empty() && broken.is_none() {
                *broken = reporter.write_out(out).err();
            }
        });
    }

    /// What is left of the screen when the run is over.
    pub(super) fn reporter(&mut self) -> &mut Reporter<'s> {
        self.reporter
    }
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

/// How often a plain line is written.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// Pauses shorter than this are not shown.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// How long a run has to be before its own speed is used.
const SPEED_AFTER: Duration = Duration::from_secs(1);

/// In which form progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Silent,
    /// A plain line now and then.
    Plain,
    /// A bar, with colour or without.
    Bar {
        colour: bool,
    },
}

/// The progress of one run.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    plain: bool,
    start: Instant,
    last_line: Instant,
    total: u64,
    rate: Option<Rate>,
}

impl Progress {
    pub(super) fn start(form: Form, total: u64, rate: Option<Rate>) -> Self {
        let bar = match form {
            Form::Silent | Form::Plain => None,
            Form::Bar { colour } => Some(bar(total, colour)),
        };
        let start = Instant::now();
        Self { bar, plain: form == Form::Plain, start, last_line: start, total, rate }
    }

    /// Writes something else on the terminal, with the bar out of its way.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Brings the bar up to date; without a bar, gives the line to write when one is due.
    pub(super) fn update(&mut self, tally: &Tally, gate: &Gate) -> Option<String> {
        let now = Instant::now();
        if let Some(bar) = &self.bar {
            bar.set_message(self.text(tally, gate, now));
            bar.set_position(tally.ended.total());
            return None;
        }
        let is_due = self.plain && now.duration_since(self.last_line) >= PLAIN_EVERY;
        is_due.then(|| {
            self.last_line = now;
            format!("progress: {}\n", self.text(tally, gate, now))
        })
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn text(&self, tally: &Tally, gate: &Gate, now: Instant) -> String {
        let done = tally.ended.total();
        let elapsed = now.duration_since(self.start);
        let mut parts = vec![format!("{done}/{}", self.total), outcomes(&tally.ended)];
        if gate.stopped().is_some() {
            parts.push("ending".to_owned());
            return parts.join(", ");
        }
        if let Some(left) = gate.pause_left().filter(|left| *left >= PAUSE_MIN) {
            parts.push(format!("paused, {} left", duration(left + PAUSE_MIN)));
        } else if elapsed >= SPEED_AFTER && done > 0 {
            parts.push(speed(done, elapsed));
        }
        let awaited = gate.awaited();
        if awaited > 0 {
            parts.push(format!("{} waiting for the user", grouped(awaited)));
        }
        // When only those are left, the speed does not show how long it takes.
        let is_tellable = awaited == 0 || done + awaited < self.total;
        if let Some(left) = self.left(done, elapsed).filter(|_| is_tellable) {
            parts.push(format!("{} to go", duration(left)));
        }
        parts.join(", ")
    }

    /// How long the rest takes: at the speed so far, and not faster than the rate.
    fn left(&self, done: u64, elapsed: Duration) -> Option<Duration> {
        let rest = self.total.saturating_sub(done);
        let by_rate = self.rate.map(|rate| rate.per.as_secs_f64() / f64::from(rate.count.get()));
        let by_speed = (done > 0 && elapsed >= SPEED_AFTER).then(|| elapsed.as_secs_f64() / as_f64(done));
        let step = match (by_rate, by_speed) {
            (Some(rate), Some(speed)) => rate.max(speed),
            (step, None) | (None, step) => step?,
        };
        Duration::try_from_secs_f64(step * as_f64(rest)).ok()
    }
}

fn speed(done: u64, elapsed: Duration) -> String {
    let per_second = as_f64(done) / elapsed.as_secs_f64();
    if per_second >= 10.0 {
        format!("{per_second:.0}/s")
    } else if per_second >= 1.0 {
        format!("{per_second:.1}/s")
    } else {
        format!("{:.0}/min", per_second * 60.0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate for people, of numbers far below 2^52")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

fn bar(total: u64, colour: bool) -> ProgressBar {
    let target = ProgressDrawTarget::term_like(Box::new(Narrower(Term::buffered_stderr())));
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let template = if colour { "{bar:12.green} {msg}" } else { "{bar:12} {msg}" };
    // The template is a constant that indicatif takes; without it the usual style would do.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// Standard error as a terminal that looks a little narrower than it is. indicatif fills every line to its end, and the
/// `^C` that a terminal shows on Ctrl-C would then break into the next line and leave a broken bar.
#[derive(Debug)]
struct Narrower(Term);

impl TermLike for Narrower {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(4)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.0.write_line(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
