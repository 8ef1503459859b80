//! The files of `--junit` and `--metrics` are replaced in one step, when the new text is on the disk. A test that reads them
//! while they are written would have to meet the moment.

use std::collections::BTreeMap;
use std::fs;

use crate::fixtures::{Fixture, wait};
use crate::trace::{Call, call};
use support::peer::find;

const REPORTS: [&str; 2] = ["out.xml", "out.prom"];

/// The calls that change a file of this name or the one beside it, in their order. A rename comes last.
fn changes(trace: &str, report: &str) -> Vec<String> {
    let is_harmless = |call: &Call| {
        ["stat", "readlink", "access", "execve"].iter().any(|name| call.name.contains(name))
            || call.name.contains("open") && call.whole.contains("O_RDONLY")
    };
    let mut open = BTreeMap::new();
    let calls: Vec<_> = trace.lines().map(|line| call(line, &mut open)).filter(|call| call.ends).collect();
    let renamed = calls.iter().find(|call| call.name.starts_with("rename") && call.whole.contains(report));
    let beside = renamed.and_then(|call| Some(call.whole.split_once(".vescli-")?.1.split_once('"')?.0.to_owned()));
    let beside = beside.unwrap_or_else(|| "nothing".to_owned());
    let is_about = |text: &str| text.contains(&format!("{report}\"")) || text.contains(&beside);
    let changing = calls.iter().filter(|call| is_about(&call.whole) && !is_harmless(call));
    changing.map(|call| call.name.clone()).collect()
}

#[test]
fn reports_are_replaced_in_one_step_when_they_are_on_the_disk() {
    let strace = find("strace", "strace");
    let fixture = Fixture::new();
    let case = fixture.case("reported", 2);
    let folder = case.list.parent().unwrap();
    for report in REPORTS {
        fs::write(folder.join(report), "the old text").unwrap();
    }
    let mut command = fixture.command(strace);
    command
        .args(["-f", "-y", "-qq", "-o", "trace", "-e", "trace=%file,write,fsync,fdatasync,ftruncate"])
        .arg(support::program())
        .args(Fixture::arguments(&case, 1))
        .args(["--junit", REPORTS[0], "--metrics", REPORTS[1]]);
    assert_eq!(wait(&mut command.spawn().unwrap()), Some(0));
    let trace = fs::read_to_string(folder.join("trace")).unwrap();
    for report in REPORTS {
        let text = fs::read_to_string(folder.join(report)).unwrap();
        assert!(text.contains("example-corp"), "{text}");
        // At its end, each tries to remove what would be left beside the report.
        assert_eq!(changes(&trace, report), ["openat", "write", "fsync", "rename", "unlink"], "{report}");
        // The planted faults: it is emptied or removed first, and not synced.
        let emptied = format!("1 openat(AT_FDCWD, \"{report}\", O_WRONLY|O_TRUNC) = 3\n{trace}");
        assert_eq!(changes(&emptied, report)[0], "openat");
        assert_eq!(changes(&emptied, report).len(), 6);
        assert_eq!(changes(&format!("1 unlink(\"{report}\") = 0\n{trace}"), report)[0], "unlink");
        assert!(!changes(&trace.replace("fsync(", "getuid("), report).contains(&"fsync".to_owned()));
    }
}
