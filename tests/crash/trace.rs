//! What strace saw of a run, as events in their order.

use std::collections::BTreeMap;

/// What the trace shows of one call.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// Records were written into the journal.
    Wrote(Written),
    SyncBegan,
    /// It ended, and was not made up by strace.
    Synced,
    /// A write or sync of the journal failed.
    Failed,
    /// The bytes of a request are about to leave: the address in it.
    Sent(String),
    /// Lines about these addresses are about to be shown on standard output.
    Shown(Vec<String>),
}

/// Whose records were written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    pub(crate) intents: Vec<String>,
    pub(crate) ends: Vec<String>,
}

/// The records in a traced text. `emails` are the keys that were seen so far.
fn records(text: &str, emails: &mut BTreeMap<String, String>) -> Written {
    let text = text.replace("\\\"", "\"");
    let mut written = Written::default();
    // A record of how far the journal is on the disk is about no person.
    let about_people = |record: &&str| !record.starts_with("synced");
    for record in text.split("{\"t\":\"").skip(1).filter(about_people) {
        let field = |name: &str| {
            let (_, rest) = record.split_once(&format!("\"{name}\":\""))?;
            Some(rest.split_once('"')?.0.to_owned())
        };
        let key = field("key").unwrap_or_else(|| panic!("a record without a key: {record}"));
        if record.starts_with("intent") {
            let email = field("email").unwrap();
            emails.insert(key, email.clone());
            written.intents.push(email);
        } else {
            written.ends.push(emails[&key].clone());
        }
    }
    written
}

/// The addresses in a traced text.
fn addresses(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || c == '"' || c == '\\');
    words
        .filter(|word| word.contains('@'))
        // What comes before an address on a new line is the rest of `\n`.
        .map(|word| word.strip_prefix('n').unwrap_or(word).to_owned())
        .collect()
}

/// A call as one line of the trace; a call that another thread interrupted takes two lines.
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) whole: String,
    begins: bool,
    pub(crate) ends: bool,
}

pub(crate) fn call(line: &str, open: &mut BTreeMap<String, String>) -> Call {
    let (thread, text) = line.split_once(' ').unwrap();
    let text = text.trim_start();
    let (name, whole, begins) = match text.strip_prefix("<... ") {
        Some(rest) => {
            let begun = open.remove(thread).unwrap_or_default();
            (rest.split(' ').next(), begun + rest, false)
        }
        None => (text.split('(').next(), text.to_owned(), true),
    };
    let ends = !whole.ends_with("<unfinished ...>");
    if !ends {
        open.insert(thread.to_owned(), whole.clone());
    }
    Call { name: name.unwrap().to_owned(), whole, begins, ends }
}

/// Reads a trace of `strace -f -y`: `-y` names the file or socket behind each number. `journal` is how the path ends.
pub(crate) fn events(trace: &str, journal: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let (mut open, mut emails) = (BTreeMap::new(), BTreeMap::new());
    for line in trace.lines() {
        let call = call(line, &mut open);
        let on_journal = call.whole.contains(journal);
        let failed = call.ends && call.whole.contains(" = -1 ");
        match call.name.as_str() {
            "write" | "fdatasync" | "fsync" if on_journal && failed => events.push(Event::Failed),
            // Only when it has ended is it written.
            "write" if on_journal && call.ends => {
                events.push(Event::Wrote(records(&call.whole, &mut emails)));
            }
            "fdatasync" | "fsync" if on_journal => {
                if call.begins {
                    events.push(Event::SyncBegan);
                }
                if call.ends && !call.whole.contains("INJECTED") {
                    events.push(Event::Synced);
                }
            }
            // When it begins, the bytes may leave.
            "write" | "writev" | "sendto" if call.begins && call.whole.contains("POST /") => {
                let text = call.whole.replace("\\\"", "\"");
                let email = text
                    .split_once("\"email\":\"")
                    .and_then(|(_, rest)| rest.split_once('"'))
                    .map(|(email, _)| email.to_owned());
                let email = email.unwrap_or_else(|| panic!("head and body apart: {text}"));
                events.push(Event::Sent(email));
            }
            "write" if call.begins && call.whole.starts_with("write(1<") => {
                events.push(Event::Shown(addresses(&call.whole)));
            }
            _ => {}
        }
    }
    events
}
