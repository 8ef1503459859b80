//! How far a run is, on standard error: a bar on a terminal, else a plain line every ten seconds.

use std::io;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::bulk::gate::Gate;
use crate::bulk::tally::Tally;
use crate::report::bulk_text::outcomes;
use crate::report::text::duration;
use crate::settings::rate::Rate;

/// How often a plain line is told.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// Pauses shorter than this are not worth a word.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// How long a run has to be before its own speed says anything.
const SPEED_AFTER: Duration = Duration::from_secs(1);

/// In which form progress is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Not at all.
    Silent,
    /// A plain line now and then.
    Plain,
    /// A bar, with colour or without.
    Bar { colour: bool },
}

/// The progress of one run.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    plain: bool,
    start: Instant,
    told: Instant,
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
        Self { bar, plain: form == Form::Plain, start, told: start, total, rate }
    }

    /// Writes something else on the terminal, with the bar out of its way.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Brings the bar up to date; the line comes back that is to be told where there is no bar.
    pub(super) fn update(&mut self, tally: &Tally, gate: &Gate) -> Option<String> {
        let now = Instant::now();
        if let Some(bar) = &self.bar {
            bar.set_message(self.text(tally, gate, now));
            bar.set_position(tally.ended.total());
            return None;
        }
        let is_due = self.plain && now.duration_since(self.told) >= PLAIN_EVERY;
        is_due.then(|| {
            self.told = now;
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
        if let Some(left) = self.left(done, elapsed) {
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
/// `^C` that a terminal shows on Ctrl-C would then break into the next line and leave a torn bar behind.
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
