//! The index of a journal to which a run still writes: whenever it is made, it hides no one.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use super::*;

#[test]
fn an_index_that_was_made_during_a_write_hides_no_one() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        record::run("a1", &header()),
        intent_line("ada", 1),
        intent_line("bob", 1),
        end_line("ada", 1, Outcome::Accepted, Some(200)),
    ];
    let whole = lines.concat();
    for cut in 1..whole.len() {
        let path = folder.path().join(format!("{cut}.ndjson"));
        let append = |bytes: &str| {
            let mut options = OpenOptions::new();
            let mut file = options.append(true).create(true).mode(0o600).open(&path).unwrap();
            file.write_all(bytes.as_bytes()).unwrap();
        };
        append(&whole[..cut]);
        people_in(&path).unwrap();
        append(&whole[cut..]);
        let contents = people_in(&path).unwrap();
        let people: HashMap<RowKey, Option<Outcome>> = contents.people().collect();
        assert!(!contents.is_damaged, "cut at {cut}");
        assert_eq!(people[&key_of("ada")], Some(Outcome::Accepted), "cut at {cut}");
        assert_eq!(people[&key_of("bob")], Some(Outcome::Unknown), "cut at {cut}");
    }
}
