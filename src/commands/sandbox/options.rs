//! What can be asked of the sandbox on the command line, and the grammar of what only it takes.

use std::ffi::OsString;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::args::layer::{Entry, ValueError};
use crate::args::settings_table::Setting;
use crate::commands::context::Context;
use crate::commands::error::CommandError;
use crate::settings::bulk::{Rate, decimal};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SandboxOptions {
    /// The port to listen on; 0 for one that the system chooses.
    pub(super) port: u16,
    pub(super) tls: bool,
    /// Requests beyond this are answered with 429; `None` for no limit.
    pub(super) rate: Option<Rate>,
    /// The requests that are answered with 503.
    pub(super) fail_rate: Share,
    /// Whether requests without the sandbox's own token are answered with 401.
    pub(super) require_auth: bool,
    /// A file that gets one JSON line per request received.
    pub(super) log: Option<PathBuf>,
    /// Whether the variables are printed as a document, not as lines for a shell.
    pub(super) json: bool,
    /// The command to run and its arguments; empty to serve until a signal comes.
    pub(super) command: Vec<OsString>,
}

impl SandboxOptions {
    pub(super) fn of(command: &[OsString], context: &Context) -> Result<Self, CommandError> {
        let given = context.given()?;
        Ok(Self {
            port: given.get(Setting::Port).map_or(Ok(0), port)?,
            tls: given.is_on(Setting::Tls),
            // `VESCLI_RATE` is the rate of a list, and reaches the command: were it the sandbox's too, a rehearsed run
            // would meet a 429 for every request that comes a moment early.
            rate: context.flags.get(Setting::Rate).map(Rate::of_setting).transpose()?.flatten(),
            fail_rate: given.get(Setting::FailRate).map_or(Ok(Share::default()), Share::of_setting)?,
            require_auth: given.is_on(Setting::RequireAuth),
            log: given.text(Setting::Log).map(PathBuf::from),
            json: context.output().json,
            command: command.to_vec(),
        })
    }
}

fn port(entry: &Entry) -> Result<u16, ValueError> {
    let text = entry.value.to_string();
    text.parse().map_err(|_| {
        let shown = text.escape_debug();
        let reason = format!("`{shown}` is not a port: write a number from 1 to 65535, or 0 for any free port");
        entry.invalid(reason)
    })
}

/// A part of all requests, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Share(u32);

/// All of them.
const ALL: u32 = 1_000_000;

impl Share {
    fn of_setting(entry: &Entry) -> Result<Self, ValueError> {
        let text = entry.value.to_string();
        Self::parse(&text).ok_or_else(|| {
            let shown = text.escape_debug();
            let reason = format!(
                "`{shown}` is not a share: write a percentage from 0% to 100%, such as 5%, or a fraction below 1, such as 0.05"
            );
            entry.invalid(reason)
        })
    }

    /// `5%` or `0.05`. A plain 1 is refused: it could be one per cent as well as all.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (parts, most) = match text.strip_suffix('%') {
            Some(number) => (decimal(number, 4)?, ALL),
            None => (decimal(text, 6)?, ALL - 1),
        };
        u32::try_from(parts).ok().filter(|parts| *parts <= most).map(Self)
    }

    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether a request belongs to the share: chosen by the address and by how many requests to it came before, so that
    /// a rehearsal can be repeated, and a test knows what happens.
    pub(super) fn contains(self, address: &str, before: u64) -> bool {
        let digest = Sha256::new().chain_update(before.to_le_bytes()).chain_update(address).finalize();
        let chosen = digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        chosen % u64::from(ALL) < u64::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_or_a_fraction() {
        for (text, parts) in [
            ("5%", 50_000),
            ("0.05", 50_000),
            ("0.5%", 5_000),
            ("0%", 0),
            ("0", 0),
            ("100%", ALL),
            ("100.0%", ALL),
            ("0.999999", ALL - 1),
            ("0.0001%", 1),
        ] {
            assert_eq!(Share::parse(text), Some(Share(parts)), "{text}");
        }
        for text in
            ["", "%", "5", "1", "1.0", "101%", "100.0001%", "-5%", "5 %", "5%%", "1e-2", "nan", ".5", "5.%", "0,05"]
        {
            assert_eq!(Share::parse(text), None, "{text}");
        }
    }

    #[test]
    fn about_the_share_is_chosen_and_always_the_same() {
        let chosen = |share: &str, before| -> Vec<u32> {
            let share = Share::parse(share).unwrap();
            (0..10_000).filter(|index| share.contains(&format!("user{index}@example.com"), before)).collect()
        };
        let first = chosen("5%", 0);
        assert!((400..600).contains(&first.len()), "{}", first.len());
        assert_eq!(first, chosen("0.05", 0));
        // Those that fail at first are no more likely than others to fail again.
        let again = chosen("5%", 1).into_iter().filter(|index| first.contains(index)).count();
        assert!(again < 60, "{again}");
        assert_eq!((chosen("0%", 0).len(), chosen("100%", 7).len()), (0, 10_000));
    }
}
