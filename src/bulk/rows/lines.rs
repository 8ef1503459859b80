//! Plain lines: an address on each, comments behind `#`.

use std::io::BufRead;

use super::collect::Collector;
use super::each_line;
use super::error::RowsError;

/// Reads plain lines into the collector.
pub(super) fn read(input: &mut impl BufRead, collector: &mut Collector<'_>) -> Result<(), RowsError> {
    each_line(input, |line, text| {
        let address = uncommented(text);
        if !address.is_empty() {
            collector.row(line, address, None);
        }
        Ok(())
    })
}

/// A line without its comment. Within a word `#` is none: some addresses bear it.
fn uncommented(line: &str) -> &str {
    let comment =
        line.char_indices().find(|(at, sign)| *sign == '#' && (*at == 0 || line[..*at].ends_with(char::is_whitespace)));
    comment.map_or(line, |(at, _)| line[..at].trim_end())
}
