//! How much there is of code, documentation, comments and tests, as a table.

use crate::imports::Crate;
use crate::source::{Kind, Source};

#[derive(Default)]
struct Row {
    files: usize,
    code: usize,
    documentation: usize,
    comments: usize,
    blank: usize,
}

impl Row {
    fn of<'a>(sources: impl IntoIterator<Item = &'a Source>, tests: bool) -> Self {
        let mut row = Self::default();
        for source in sources {
            let lines: Vec<Kind> = source.lines().filter(|(_, test)| *test == tests).map(|(kind, _)| kind).collect();
            let count = |kind| lines.iter().filter(|line| **line == kind).count();
            row.files += usize::from(count(Kind::Code) > 0);
            row.code += count(Kind::Code);
            row.documentation += count(Kind::Documentation);
            row.comments += count(Kind::Comment);
            row.blank += count(Kind::Blank);
        }
        row
    }

    fn print(&self, name: &str) {
        let Self { files, code, documentation, comments, blank } = self;
        println!("{name:<22} {files:>6} {code:>7} {documentation:>14} {comments:>9} {blank:>6}");
    }
}

/// Everything is not code of its own: a file in `src` counts as tests when a parent declares it behind `#[cfg(test)]`.
pub(crate) fn print(src: &mut [Source], others: &[Source]) {
    Crate::new(src);
    println!("{:<22} {:>6} {:>7} {:>14} {:>9} {:>6}", "", "files", "code", "documentation", "comments", "blank");
    Row::of(&*src, false).print("source without tests");
    Row::of(&*src, true).print("tests in the source");
    Row::of(others, false).print("tests and benches");
    let functions = src.iter().flat_map(|source| source.functions().into_iter().map(|f| (f.1, f.0, &source.name)));
    if let Some((lines, function, file)) = functions.max() {
        println!("longest function: {lines} lines, {function} in {file}");
    }
    if let Some(main) = src.iter().find(|source| source.name == "src/main.rs") {
        println!("main.rs: {} lines", main.text.lines().count());
    }
}
