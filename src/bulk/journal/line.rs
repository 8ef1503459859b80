//! The lines of a journal, one at a time and never more of one than a record may be long.

use std::io::{self, BufRead};

/// A line as far as it was kept.
pub(super) struct Line {
    /// How long it is in the file, its line break included.
    pub(super) length: u64,
    /// Whether a line break ends it.
    pub(super) terminated: bool,
    /// Whether everything that was not kept is zeros.
    pub(super) rest_is_zero: bool,
}

/// Reads the next line into `kept`, without its line break and at most `max` bytes of it. Nothing at the end.
pub(super) fn next(reader: &mut impl BufRead, kept: &mut Vec<u8>, max: usize) -> io::Result<Option<Line>> {
    kept.clear();
    let mut line = Line { length: 0, terminated: false, rest_is_zero: true };
    loop {
        let chunk = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() {
            return Ok((line.length > 0).then_some(line));
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let text = &chunk[..end.unwrap_or(chunk.len())];
        let (keep, rest) = text.split_at(text.len().min(max - kept.len()));
        kept.extend_from_slice(keep);
        line.rest_is_zero &= rest.iter().all(|byte| *byte == 0);
        let used = text.len() + usize::from(end.is_some());
        line.length += used as u64;
        reader.consume(used);
        if end.is_some() {
            line.terminated = true;
            return Ok(Some(line));
        }
    }
}
