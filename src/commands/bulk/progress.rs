//! The progress of a run: a bar on a terminal, elsewhere a plain line now and then.

use std::time::{Duration, Instant};

use crate::bulk::gate::Gate;
use crate::bulk::results::Tally;
use crate::report::bulk_text::outcomes;
use crate::report::style::Style;
use crate::report::text::{duration, grouped};
use crate::settings::bulk::Rate;

/// How often the bar changes: no eye sees more.
const BAR_EVERY: Duration = Duration::from_millis(100);
/// How often a plain line is written.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// Pauses shorter than this are not shown.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// How long a run has to be before its own speed is used.
const SPEED_AFTER: Duration = Duration::from_secs(1);
/// Characters of the bar itself.
const BAR: usize = 12;
/// Erases from the cursor to the end of the screen (ECMA-48, ED).
const ERASE: &str = "\x1b[J";
/// What is beyond the last column is not written (DECAWM off), and is again: a terminal may become narrower between the
/// moment at which its width is read and the one at which the bar is drawn.
const CUT: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// In which form progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Silent,
    /// A plain line now and then.
    Plain,
    /// A bar.
    Bar(Style),
}

/// The progress of one run.
pub(super) struct Progress {
    form: Form,
    start: Instant,
    /// When the bar or a plain line was last brought up to date.
    updated: Instant,
    total: u64,
    rate: Option<Rate>,
    done: u64,
    /// What the bar says; empty before the first time.
    parts: Vec<String>,
}

impl Progress {
    pub(super) fn start(form: Form, total: u64, rate: Option<Rate>) -> Self {
        let start = Instant::now();
        Self { form, start, updated: start, total, rate, done: 0, parts: Vec::new() }
    }

    /// What to write on standard error now, if anything, on a terminal of some columns.
    pub(super) fn update(&mut self, tally: &Tally, gate: &Gate, width: usize) -> String {
        let now = Instant::now();
        match self.form {
            Form::Silent => String::new(),
            Form::Plain if now.duration_since(self.updated) < PLAIN_EVERY => String::new(),
            Form::Plain => {
                self.updated = now;
                format!("progress: {}\n", self.parts(tally, gate, now).join(", "))
            }
            Form::Bar(_) if now.duration_since(self.updated) < BAR_EVERY && !self.parts.is_empty() => String::new(),
            Form::Bar(_) => {
                self.updated = now;
                self.done = tally.ended.total();
                self.parts = self.parts(tally, gate, now);
                self.drawn(width)
            }
        }
    }

    /// The bar as it was last. It is one line, and the cursor stays at its beginning: a terminal that is made narrower may
    /// break the line, and what [`Progress::clear`] erases is then still all of it, and nothing of the rows above.
    pub(super) fn drawn(&self, width: usize) -> String {
        let Form::Bar(style) = self.form else {
            return String::new();
        };
        if self.parts.is_empty() {
            return String::new();
        }
        // Not the last column: some terminals go to the next line behind it.
        let room = width.saturating_sub(1);
        let mut text = String::new();
        for part in &self.parts {
            let separator = if text.is_empty() { "" } else { ", " };
            if text.len() + separator.len() + part.len() > room {
                break;
            }
            text.push_str(separator);
            text.push_str(part);
        }
        let bar = if text.len() + 1 + BAR > room { String::new() } else { format!("{} ", self.bar(style)) };
        format!("{CUT}{bar}{text}{WRAP}{ERASE}\r")
    }

    /// Takes the bar away, so that something else can be written there.
    pub(super) const fn clear(&self) -> &'static str {
        if self.parts.is_empty() { "" } else { ERASE }
    }

    /// Takes the bar away for good.
    pub(super) fn finish(&mut self) -> &'static str {
        let clear = self.clear();
        (self.form, self.parts) = (Form::Silent, Vec::new());
        clear
    }

    fn bar(&self, style: Style) -> String {
        let share = self.done.saturating_mul(BAR as u64).checked_div(self.total).unwrap_or(0);
        let filled = usize::try_from(share).unwrap_or(BAR).min(BAR);
        let head = usize::from(filled < BAR);
        let rest = " ".repeat(BAR - filled - head);
        format!("{}{rest}", style.success(&format!("{}{}", "=".repeat(filled), ">".repeat(head))))
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
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
        let awaited = gate.awaited();
        if awaited > 0 {
            parts.push(format!("{} waiting for the user", grouped(awaited)));
        }
        // When only those are left, the speed does not show how long it takes.
        let is_tellable = awaited == 0 || done + awaited < self.total;
        if let Some(left) = self.left(done, elapsed).filter(|_| is_tellable) {
            parts.push(format!("{} to go", duration(left)));
        }
        parts
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::environment::Environment;
    use crate::bulk::pace::Pace;
    use crate::bulk::plan::OutcomeCounts;
    use crate::bulk::results::Stop;
    use crate::settings::ColorChoice;

    fn progress(done: u64, parts: &[&str]) -> Progress {
        let style = Style::new(ColorChoice::Never, &Environment::default(), true);
        let parts = parts.iter().map(|part| (*part).to_owned()).collect();
        Progress { done, parts, ..Progress::start(Form::Bar(style), 30, None) }
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
    fn a_plain_line_says_now_and_then_how_far_the_run_is_and_how_long_it_still_takes() {
        let tally = Tally { ended: OutcomeCounts { accepted: 10, ..OutcomeCounts::default() }, ..Tally::default() };
        let gate = Gate::new(Pace::new(None), false, 0, 30);
        let start = Instant::now().checked_sub(2 * PLAIN_EVERY).unwrap();
        let plain = |rate| Progress { start, updated: start, ..Progress::start(Form::Plain, 30, rate) };
        let mut first = plain(None);
        let line = first.update(&tally, &gate, 80);
        assert!(line.starts_with("progress: 10/30, 10 accepted, ") && line.ends_with(" s to go\n"), "{line}");
        assert_eq!(first.update(&tally, &gate, 80), "");
        // It cannot be faster than the rate.
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
    fn nothing_is_cleared_before_the_bar_is_there() {
        assert_eq!((progress(0, &[]).clear(), progress(0, &[]).drawn(80)), ("", String::new()));
        assert_eq!(progress(0, &["0/30"]).clear(), "\x1b[J");
    }
}
