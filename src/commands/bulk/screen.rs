//! Shows a run: a line or JSON document for each row, warnings, and the progress. The progress is a bar on a terminal;
//! otherwise it is a plain line from time to time. An error of standard output does not stop the run, and a closed
//! reader is not an error.

use std::io::{self, stderr};
use std::time::{Duration, Instant};
use std::{iter, thread};

use terminal_size::{Width, terminal_size_of};

use super::prepare::Prepared;
use crate::api::outcome::{Class, Outcome};
use crate::args::environment::Environment;
use crate::bulk::gate::Gate;
use crate::bulk::journal::{Delivered, Writer};
use crate::bulk::list::Row;
use crate::bulk::plan::Plan;
use crate::bulk::results::{Event, RowEnd, Stop, Tally};
use crate::report::bulk_files::Cases;
use crate::report::bulk_text::{self, outcomes};
use crate::report::text::{self, Style, duration, grouped};
use crate::report::{Reporter, json};
use crate::settings::bulk::Rate;

/// How often the bar is updated.
const TICK: Duration = Duration::from_millis(100);
/// If rows end faster than they are shown, the screen waits this long for more: waking up for each row would slow down
/// the workers.
const BATCH_DELAY: Duration = Duration::from_millis(5);
/// At most this many events are shown in one write.
const BATCH_MAX: usize = 512;

pub(super) struct Screen<'a, 'r, 's> {
    pub(super) reporter: &'r mut Reporter<'s>,
    prepared: &'a Prepared,
    pub(super) progress: Progress,
    pub(super) tally: Tally,
    /// The error of standard output.
    pub(super) stdout_error: Option<io::Error>,
    /// The collection of all rows, if a report needs it.
    pub(super) cases: Option<Cases>,
    stop_announced: bool,
}

impl<'a, 'r, 's> Screen<'a, 'r, 's> {
    pub(super) fn new(
        reporter: &'r mut Reporter<'s>,
        prepared: &'a Prepared,
        plan: &Plan,
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
            progress: Progress::start(form, plan.count(), prepared.bulk.rate),
            tally: Tally::default(),
            stdout_error: None,
            cases: prepared.reports.cases(plan),
            stop_announced: false,
        }
    }

    /// Shows the events of the workers until the last worker has ended.
    pub(super) fn listen(&mut self, journal: &Writer<Event>, gate: &Gate) {
        while let Some(events) = journal.events(TICK) {
            let busy = events.len() > 1;
            if let (true, Some(stopped)) = (events.iter().any(|event| !event.is_written), journal.stopped()) {
                gate.stop(Stop::journal(&stopped));
            }
            let mut events = events.into_iter().filter_map(event_to_show).peekable();
            while events.peek().is_some() {
                self.show(events.by_ref().take(BATCH_MAX));
            }
            if busy {
                thread::sleep(BATCH_DELAY);
            }
            self.announce_stop(gate);
            let progress = self.progress.update(&self.tally, gate, terminal_width());
            self.reporter.write_err(&progress);
        }
    }

    fn show(&mut self, batch: impl Iterator<Item = Event>) {
        let (mut out, mut err) = (String::new(), String::new());
        let (output, style) = (self.reporter.output(), self.reporter.err_style());
        for event in batch {
            let redactor = self.reporter.redactor();
            match event {
                Event::Finished(end) => self.show_end(*end, &mut out, &mut err),
                Event::Exchange { request, answer } => {
                    let bodies = output.verbose > 1;
                    let mut lines = text::request_lines(&request, bodies, redactor);
                    lines.extend(answer.iter().flat_map(|a| text::answer_lines(a, bodies, redactor)));
                    err.extend(lines.iter().map(|line| format!("{}\n", style.dim(line))));
                }
                // If the users of a whole list appear late, the 404s would fill the screen. The progress counts them,
                // and `-v` shows them.
                Event::Retry { result, .. }
                    if output.quiet || result.class == Class::NotFound && output.verbose == 0 => {}
                Event::Retry { index, attempt, result, wait } => {
                    err.extend(self.row(index).map(|row| {
                        let (name, wait) = (self.name(row), wait.as_secs_f64());
                        let why = bulk_text::why(&result, redactor);
                        let note = format!("{name}: attempt {attempt}: {why}; retry in {wait:.1} s");
                        format!("{}\n", style.dim(&note))
                    }));
                }
            }
        }
        self.write(&out, &err);
    }

    fn row(&self, index: u32) -> Option<&'a Row> {
        self.prepared.list.rows.get(index as usize)
    }

    /// The name of a row. It includes the cname if the list has an address with several cnames.
    fn name(&self, row: &Row) -> String {
        let cname = row.cname.as_deref().unwrap_or(&self.prepared.cname);
        let cname = (self.prepared.list.other_cname > 0).then_some(cname);
        bulk_text::name(row, cname, self.reporter.redactor())
    }

    fn show_end(&mut self, end: RowEnd, out: &mut String, err: &mut String) {
        self.tally.add(&end);
        if let Some(cases) = &mut self.cases {
            cases.end(&end);
        }
        let Some(row) = self.row(end.index) else {
            return;
        };
        let (output, redactor) = (self.reporter.output(), self.reporter.redactor());
        let name = self.name(row);
        let is_silent = output.quiet && end.result.outcome == Outcome::Accepted;
        let line = |style| bulk_text::row(&name, &end.result, end.due, style, redactor);
        if end.unrecorded {
            let label = self.reporter.err_style().error("error:");
            err.push_str(&format!("{label} {}\n", bulk_text::unrecorded(row, &name, &end.result)));
        }
        if output.json {
            if end.result.outcome != Outcome::Accepted && !output.quiet {
                err.push_str(&line(self.reporter.err_style()));
            }
            let cname = row.cname.as_deref().unwrap_or(&self.prepared.cname);
            out.push_str(&json::row(row, cname, &self.reporter.request, end, redactor));
        } else if !is_silent {
            out.push_str(&line(self.reporter.out_style()));
        }
    }

    /// After a signal, reports once that the run ends when the last requests have ended.
    fn announce_stop(&mut self, gate: &Gate) {
        if !self.stop_announced && matches!(gate.stopped(), Some(Stop::Signal(_))) {
            self.stop_announced = true;
            let text = "no new requests; waiting for those under way (Ctrl-C again ends at once)";
            self.write("", &format!("{}\n", self.reporter.err_style().warning(text)));
        }
    }

    /// Writes results and messages. After an error, nothing more is written to standard output, because a part may be
    /// missing.
    pub(super) fn write(&mut self, out: &str, err: &str) {
        if out.is_empty() && err.is_empty() {
            return;
        }
        let (before, after) = (self.progress.clear(), self.progress.drawn(terminal_width()));
        self.reporter.write_err(&format!("{before}{err}"));
        if !out.is_empty() && self.stdout_error.is_none() {
            self.stdout_error = self.reporter.write_out(out).err();
        }
        self.reporter.write_err(&after);
    }

    /// Removes the bar. It is not drawn again.
    pub(super) fn finish(&mut self) {
        self.reporter.write_err(self.progress.clear());
        (self.progress.form, self.progress.parts) = (Form::Silent, Vec::new());
    }
}

/// Read each time, because the user may resize the window.
fn terminal_width() -> usize {
    terminal_size_of(stderr()).map_or(80, |(Width(columns), _)| columns.into())
}

/// The event to show. If its record could not be written, the run stops, so there is no retry to show.
fn event_to_show(Delivered { mut event, is_written }: Delivered<Event>) -> Option<Event> {
    match &mut event {
        Event::Retry { .. } if !is_written => return None,
        Event::Finished(end) if !is_written => (end.unrecorded, end.due) = (true, false),
        _ => {}
    }
    Some(event)
}

/// How often a plain line of progress is written.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// Pauses shorter than this are not shown.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The speed of a run is used after this time.
const SPEED_AFTER: Duration = Duration::from_secs(1);
const BAR_COLUMNS: usize = 12;
/// Erases from the cursor to the end of the screen (ECMA-48, ED).
const ERASE: &str = "\x1b[J";
/// Turns line wrapping off and on (DECAWM). The terminal may become narrower after its width was read and before the
/// bar is drawn.
const CUT: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Silent,
    Plain,
    Bar(Style),
}

pub(super) struct Progress {
    form: Form,
    pub(super) start: Instant,
    /// When the bar or a plain line was last updated.
    updated: Instant,
    total: u64,
    rate: Option<Rate>,
    done: u64,
    /// The text after the bar, in parts; empty before the bar is drawn.
    parts: Vec<String>,
}

impl Progress {
    fn start(form: Form, total: u64, rate: Option<Rate>) -> Self {
        let start = Instant::now();
        Self { form, start, updated: start, total, rate, done: 0, parts: Vec::new() }
    }

    /// The text to write to standard error now. `width` is that of the terminal.
    fn update(&mut self, tally: &Tally, gate: &Gate, width: usize) -> String {
        let now = Instant::now();
        let since = now.duration_since(self.updated);
        let is_due = match self.form {
            Form::Silent => false,
            Form::Plain => since >= PLAIN_EVERY,
            Form::Bar(_) => since >= TICK || self.parts.is_empty(),
        };
        if !is_due {
            return String::new();
        }
        self.updated = now;
        let parts = self.parts(tally, gate, now);
        if self.form == Form::Plain {
            return format!("progress: {}\n", parts.join(", "));
        }
        (self.done, self.parts) = (tally.ended.total(), parts);
        self.drawn(width)
    }

    /// The bar with its last text. It is one line, and the cursor stays at its beginning. So [`Progress::clear`] erases
    /// all of it and nothing above it, even if a narrower terminal breaks the line.
    fn drawn(&self, width: usize) -> String {
        let (Form::Bar(style), [first, others @ ..]) = (self.form, &*self.parts) else {
            return String::new();
        };
        // The last column stays free, because some terminals go to the next line after it.
        let room = width.saturating_sub(1);
        let mut text = String::new();
        let parts = iter::once(first.clone()).chain(others.iter().map(|part| format!(", {part}")));
        for part in parts {
            if text.len() + part.len() > room {
                break;
            }
            text.push_str(&part);
        }
        let bar = if text.len() + 1 + BAR_COLUMNS > room { String::new() } else { format!("{} ", self.bar(style)) };
        format!("{CUT}{bar}{text}{WRAP}{ERASE}\r")
    }

    /// Erases the bar, so that other text can be written in its place.
    const fn clear(&self) -> &'static str {
        if self.parts.is_empty() { "" } else { ERASE }
    }

    fn bar(&self, style: Style) -> String {
        let share = self.done.saturating_mul(BAR_COLUMNS as u64).checked_div(self.total).unwrap_or(0);
        let filled = usize::try_from(share).unwrap_or(BAR_COLUMNS).min(BAR_COLUMNS);
        let head = usize::from(filled < BAR_COLUMNS);
        let rest = " ".repeat(BAR_COLUMNS - filled - head);
        format!("{}{rest}", style.success(&format!("{}{}", "=".repeat(filled), ">".repeat(head))))
    }

    fn parts(&self, tally: &Tally, gate: &Gate, now: Instant) -> Vec<String> {
        let done = tally.ended.total();
        let elapsed = now.duration_since(self.start);
        let mut parts = vec![format!("{done}/{}", self.total), outcomes(&tally.ended)];
        if gate.stopped().is_some() {
            parts.push("ending".to_owned());
            return parts;
        }
        if let Some(left) = gate.pause_left().filter(|left| *left >= PAUSE_MIN) {
            parts.push(format!("paused, {} left", duration(left + PAUSE_MIN)));
        } else if elapsed >= SPEED_AFTER && done > 0 {
            parts.push(speed(done, elapsed));
        }
        let awaited = gate.awaiting_user();
        if awaited > 0 {
            parts.push(format!("{} waiting for the user", grouped(awaited)));
        }
        // If only these rows are left, the speed does not show how long they take.
        if awaited == 0 || done + awaited < self.total {
            parts.extend(self.time_left(done, elapsed).map(|left| format!("{} to go", duration(left))));
        }
        parts
    }

    /// How long the rest takes at the speed so far, and at most at the rate.
    fn time_left(&self, done: u64, elapsed: Duration) -> Option<Duration> {
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
    match per_second {
        10.0.. => format!("{per_second:.0}/s"),
        1.0.. => format!("{per_second:.1}/s"),
        _ => format!("{:.0}/min", per_second * 60.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate for people, of numbers far below 2^52")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::pace::Pace;
    use crate::bulk::plan::OutcomeCounts;
    use crate::bulk::results::Stop;

    fn progress(done: u64, parts: &[&str]) -> Progress {
        let parts = parts.iter().map(|part| (*part).to_owned()).collect();
        Progress { done, parts, ..Progress::start(Form::Bar(Style::default()), 30, None) }
    }

    #[test]
    fn the_bar_is_one_line_at_every_width() {
        let shown = |done, width| {
            let drawn = progress(done, &["16/30", "14 accepted, 2 rejected", "4.1/s", "11 s to go"]).drawn(width);
            let shown = drawn.strip_prefix(CUT).unwrap();
            shown.strip_suffix("\x1b[?7h\x1b[J\r").unwrap().to_owned()
        };
        assert_eq!(shown(16, 80), "======>      16/30, 14 accepted, 2 rejected, 4.1/s, 11 s to go");
        assert_eq!(shown(0, 63).split_at(13).0, ">            ");
        assert_eq!(shown(30, 63).split_at(13).0, "============ ");
        assert_eq!(shown(16, 62), "16/30, 14 accepted, 2 rejected, 4.1/s, 11 s to go");
        assert_eq!(shown(16, 40), "16/30, 14 accepted, 2 rejected, 4.1/s");
        assert_eq!(shown(16, 6), "16/30");
        assert_eq!(shown(16, 0), "");
        for width in 0..200 {
            assert!(shown(16, width).len() < width.max(1), "{width}");
        }
    }

    #[test]
    fn a_plain_line_shows_the_progress_and_the_time_left() {
        let tally = Tally { ended: OutcomeCounts { accepted: 10, ..OutcomeCounts::default() }, ..Tally::default() };
        let gate = Gate::new(Pace::new(None), 0, 30);
        let start = Instant::now().checked_sub(2 * PLAIN_EVERY).unwrap();
        let plain = |rate| Progress { start, updated: start, ..Progress::start(Form::Plain, 30, rate) };
        let mut first = plain(None);
        let line = first.update(&tally, &gate, 80);
        assert!(line.starts_with("progress: 10/30, 10 accepted, ") && line.ends_with(" s to go\n"), "{line}");
        assert_eq!(first.update(&tally, &gate, 80), "");
        // The run cannot be faster than the rate.
        let line = plain(Some("1/m".parse().unwrap())).update(&tally, &gate, 80);
        assert!(line.ends_with("/min, 20 min 0 s to go\n"), "{line}");
        let permit = gate.acquire().unwrap();
        gate.release_throttled(permit, Some(Duration::from_secs(300)));
        let line = plain(None).update(&tally, &gate, 80);
        assert!(line.contains(", paused, ") && !line.contains("/min"), "{line}");
        gate.stop(Stop::Signal(2));
        assert_eq!(plain(None).update(&tally, &gate, 80), "progress: 10/30, 10 accepted, ending\n");
    }

    #[test]
    fn nothing_is_erased_before_the_bar_is_drawn() {
        assert_eq!((progress(0, &[]).clear(), progress(0, &[]).drawn(80)), ("", String::new()));
        assert_eq!(progress(0, &["0/30"]).clear(), "\x1b[J");
    }
}
