//! The sandbox's own rate limit: a window that slides over the last requests, given the time from outside.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::settings::rate::Rate;

/// The moments of the requests that were let through and still count.
#[derive(Debug)]
pub(super) struct Window {
    rate: Rate,
    admitted: VecDeque<Instant>,
}

impl Window {
    /// A window in which nothing has happened yet.
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, admitted: VecDeque::new() }
    }

    /// Lets a request through at `now`, or says how long it has to wait until the oldest one no longer counts. A request that
    /// is turned away does not count. `now` must not run backwards.
    ///
    /// # Errors
    /// The wait, longer than zero, when the window is full.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        let age = |moment: Instant| now.saturating_duration_since(moment);
        while self.admitted.front().is_some_and(|oldest| age(*oldest) >= self.rate.per) {
            self.admitted.pop_front();
        }
        let limit = usize::try_from(self.rate.count.get()).unwrap_or(usize::MAX);
        match self.admitted.front() {
            Some(oldest) if self.admitted.len() >= limit => Err(self.rate.per.saturating_sub(age(*oldest))),
            _ => {
                self.admitted.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_window_names_the_wait_and_slides_on() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut window = Window::new("2/s".parse().unwrap());
        assert_eq!(window.admit(at(0)), Ok(()));
        assert_eq!(window.admit(at(400)), Ok(()));
        assert_eq!(window.admit(at(400)), Err(Duration::from_millis(600)));
        assert_eq!(window.admit(at(999)), Err(Duration::from_millis(1)));
        assert_eq!(window.admit(at(1000)), Ok(()));
        assert_eq!(window.admit(at(1000)), Err(Duration::from_millis(400)));
        assert_eq!(window.admit(at(5000)), Ok(()));
    }

    #[test]
    fn no_stretch_of_the_rate_s_length_holds_more_than_its_count() {
        let start = Instant::now();
        let mut window = Window::new("3/s".parse().unwrap());
        let let_through: Vec<u64> =
            (0..5000).step_by(37).filter(|ms| window.admit(start + Duration::from_millis(*ms)).is_ok()).collect();
        assert!(let_through.len() >= 12, "{let_through:?}");
        for four in let_through.windows(4) {
            assert!(four[3] - four[0] >= 1000, "{four:?}");
        }
    }
}
