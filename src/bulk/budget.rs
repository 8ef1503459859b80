//! How many repeats a whole run may make: so that an outage, in which every row would be tried again and again, is not
//! multiplied by them.

/// Repeats that every run has, however short its list.
const BASE: u64 = 20;
/// One more for so many rows that were begun.
const ROWS_PER_REPEAT: u64 = 10;

/// The budget: 20 repeats, and one more for every ten rows begun.
///
/// A repeat that the server itself asked for with `Retry-After` is free: everybody waits before it, so that it adds
/// nothing to an outage, and the retries of one row bound it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetryBudget {
    begun: u64,
    spent: u64,
}

impl RetryBudget {
    /// Notes that a row was begun.
    pub const fn begin(&mut self) {
        self.begun += 1;
    }

    /// Takes one repeat out, if there is one left.
    pub const fn take(&mut self) -> bool {
        let has = self.spent < BASE + self.begun / ROWS_PER_REPEAT;
        if has {
            self.spent += 1;
        }
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_multiplied_by_eleven_tenths_at_most() {
        for rows in [0, 1, 9, 10, 100, 5000] {
            let mut budget = RetryBudget::default();
            let mut repeats = 0;
            for _ in 0..rows {
                budget.begin();
                repeats += u64::from(budget.take()) + u64::from(budget.take());
            }
            let most = if rows == 0 { 0 } else { BASE + rows / 10 };
            assert_eq!(repeats, most.min(2 * rows), "{rows}");
            assert_eq!(budget.take(), repeats < BASE + rows / 10);
        }
    }
}
