//! Plain lines: an address on each, comments behind `#`.

use std::io::BufRead;

use super::collect::Collector;
use super::each_line;
use super::error::RowsError;

/// Reads plain lines into the collector.
pub(super) fn read(
    input: &mut impl BufRead,
    collector: &mut Collector<'_>,
) -> Result<(), RowsError> {
    each_line(input, |line, text| {
        if !text.starts_with('#') {
            collector.row(line, text, None);
        }
        Ok(())
    })
}
