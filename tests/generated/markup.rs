//! The sources of the man pages that are written by hand: a small part of Markdown, and its form in roff. Markdown, because
//! it is read and edited as it stands; roff alone is what `man` shows everywhere.

/// A part of a page.
pub(crate) enum Block {
    /// `# TITLE`
    Section(String),
    /// `## Title`
    Subsection(String),
    Paragraph(String),
    /// A line with the term, and a line that begins with `: `.
    Entry(String, String),
    /// Between lines of three backticks: shown as it stands.
    Verbatim(Vec<String>),
    /// `{{name}}`: a table of the code takes its place.
    Table(String),
}

/// Reads a page.
pub(crate) fn blocks(source: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = source.lines().peekable();
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with("<!--") {
        } else if line.starts_with("```") {
            blocks.push(Block::Verbatim(lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect()));
        } else if let Some(title) = line.strip_prefix("## ") {
            blocks.push(Block::Subsection(title.to_owned()));
        } else if let Some(title) = line.strip_prefix("# ") {
            blocks.push(Block::Section(title.to_owned()));
        } else if let Some(name) = line.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) {
            blocks.push(Block::Table(name.to_owned()));
        } else {
            let mut text = vec![line];
            while let Some(more) = lines.next_if(|line| !line.is_empty()) {
                text.push(more.trim());
            }
            blocks.push(match text.split_first() {
                Some((term, [first, rest @ ..])) if first.starts_with(": ") => {
                    let text = [&[&first[2..]], rest].concat();
                    Block::Entry((*term).to_owned(), text.join(" "))
                }
                _ => Block::Paragraph(text.join(" ")),
            });
        }
    }
    blocks
}

/// Reads a topic of `vescli help`: titles at the margin, paragraphs two columns in, entries and commands four.
pub(crate) fn blocks_of_topic(topic: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for line in topic.lines() {
        let text = line.trim_start();
        let (last, indent) = (blocks.last_mut(), line.len() - text.len());
        match (indent, last) {
            (_, _) if text.is_empty() => {}
            (0, _) => blocks.push(Block::Subsection(text.to_owned())),
            (2, Some(Block::Paragraph(paragraph))) => paragraph.push_str(&format!(" {text}")),
            (2, _) => blocks.push(Block::Paragraph(text.to_owned())),
            (4, last) => match (text.split_once("  "), last) {
                (Some((term, text)), _) => {
                    blocks.push(Block::Entry(format!("`{term}`"), text.trim_start().to_owned()));
                }
                (None, Some(Block::Verbatim(commands))) => commands.push(text.to_owned()),
                (None, _) => blocks.push(Block::Verbatim(vec![text.to_owned()])),
            },
            (_, Some(Block::Entry(_, entry))) => entry.push_str(&format!(" {text}")),
            (_, _) => panic!("the topic has a line that belongs to nothing: {line}"),
        }
    }
    blocks
}

/// Writes blocks as roff; `table` gives what stands for a name in double braces.
pub(crate) fn roff(blocks: &[Block], table: &dyn Fn(&str) -> String) -> String {
    let mut text = String::new();
    let mut after_title = false;
    for block in blocks {
        let written = match block {
            Block::Section(title) => format!(".SH \"{}\"\n", escape(title)),
            Block::Subsection(title) => format!(".SS \"{}\"\n", escape(title)),
            // A title begins a paragraph by itself.
            Block::Paragraph(text) if after_title => format!("{}\n", inline(text)),
            Block::Paragraph(text) => format!(".PP\n{}\n", inline(text)),
            Block::Entry(term, text) => format!(".TP\n{}\n{}\n", inline(term), inline(text)),
            Block::Verbatim(lines) => verbatim(lines.iter().map(String::as_str)),
            Block::Table(name) => table(name),
        };
        text.push_str(&written);
        after_title = matches!(block, Block::Section(_) | Block::Subsection(_));
    }
    text
}

/// Lines that are shown as they stand.
pub(crate) fn verbatim<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines = lines.fold(String::new(), |lines, line| lines + &escape(line) + "\n");
    format!(".PP\n.RS 4\n.nf\n{lines}.fi\n.RE\n")
}

/// Text in backticks becomes bold, and text in asterisks italic.
pub(crate) fn inline(text: &str) -> String {
    let mut roff = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            roff.push_str(&format!("\\fB{}\\fR", escape(part)));
            continue;
        }
        for (index, part) in part.split('*').enumerate() {
            let part = escape(part);
            roff.push_str(&if index % 2 == 1 { format!("\\fI{part}\\fR") } else { part });
        }
    }
    roff
}

/// Text that roff shows as it is.
pub(crate) fn escape(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga");
    let escaped = escaped.replace('…', "...").replace('^', "\\(ha").replace('~', "\\(ti");
    if escaped.starts_with('.') { format!("\\&{escaped}") } else { escaped }
}
