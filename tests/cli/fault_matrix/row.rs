//! One row of the matrix, and the macro in which the tables are written.

use super::scene::Scene;

/// What it means for the recipient, spelled as in JSON so that the tables read like the documentation.
#[expect(non_camel_case_types, reason = "these are the words of the JSON document")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    accepted,
    rejected,
    not_sent,
    unknown,
}

impl Outcome {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::accepted => "accepted",
            Self::rejected => "rejected",
            Self::not_sent => "not_sent",
            Self::unknown => "unknown",
        }
    }
}

/// When the run is over.
#[expect(non_camel_case_types, reason = "the tables read like prose")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Before its time-out, which is long.
    at_once,
    /// The time-out for everything ends it, and a second later at most it is over.
    timeout,
    /// The time-out for the connection ends it in the same way.
    connect_timeout,
}

/// The time-out of a row that is to run out of time.
const SHORT_MS: u64 = 1_000;
/// The time-out of all others: long enough for a machine under load.
const LONG_MS: u64 = 30_000;
/// No run outlives its time-out by more than this.
const GRACE_MS: u64 = 1_000;

impl Bound {
    pub(crate) const fn flags(self) -> [&'static str; 4] {
        match self {
            Self::at_once => ["--timeout", "30s", "--connect-timeout", "30s"],
            Self::timeout => ["--timeout", "1s", "--connect-timeout", "30s"],
            Self::connect_timeout => ["--timeout", "30s", "--connect-timeout", "1s"],
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::at_once => "at once",
            Self::timeout => "`--timeout` + 1 s",
            Self::connect_timeout => "`--connect-timeout` + 1 s",
        }
    }

    /// Compares what the process itself measured, so that a slow start counts for nothing.
    pub(crate) fn check(self, name: &str, elapsed_ms: u64) {
        let (least, most) = match self {
            Self::at_once => (0, LONG_MS - 1),
            Self::timeout | Self::connect_timeout => (SHORT_MS, SHORT_MS + GRACE_MS),
        };
        assert!((least..=most).contains(&elapsed_ms), "{name}: took {elapsed_ms} ms, not {least} to {most}");
    }
}

/// One kind of fault and what becomes of it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) scene: Box<dyn Fn() -> Scene + Send + Sync>,
    pub(crate) outcome: Outcome,
    pub(crate) class: &'static str,
    pub(crate) code: u8,
    /// Requests that the server counts.
    pub(crate) requests: usize,
    pub(crate) bound: Bound,
    /// Part of the cause that text and JSON give; empty where the class says all.
    pub(crate) cause: &'static str,
}

/// Rows that belong together.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// A table: what happens, how it is made, and after the arrow what it comes to; last, what is said of the cause.
macro_rules! table {
    ($title:literal; $($name:literal, $scene:expr => $outcome:ident $class:ident $code:literal,
        $requests:literal request, $bound:ident $(, $cause:literal)?;)+) => {
        $crate::fault_matrix::row::Group {
            title: $title,
            rows: vec![$($crate::fault_matrix::row::Row {
                name: $name,
                scene: Box::new(|| $scene),
                outcome: $crate::fault_matrix::row::Outcome::$outcome,
                class: stringify!($class),
                code: $code,
                requests: $requests,
                bound: $crate::fault_matrix::row::Bound::$bound,
                cause: concat!($($cause)?),
            }),+],
        }
    };
}

pub(super) use table;
