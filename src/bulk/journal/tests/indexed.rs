//! The index of a journal that is still being written: it hides no one, wherever the look came in between.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use super::*;

#[test]
fn a_look_in_the_middle_of_a_write_hides_nobody_from_the_next_one() {
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
