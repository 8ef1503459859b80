//! The rules of the house that no lint knows: which part may import which, how long a file may grow, and that each
//! opens with what it is responsible for.
#![expect(clippy::expect_used, reason = "a test target: a failure has to end the test")]

use std::fs;
use std::path::{Path, PathBuf};

/// The parts from left to right; each imports from itself and from those to its left. The most specific name counts.
const ORDER: [&str; 7] = ["args", "settings", "api", "bulk", "report", "commands", "lib"];

/// Lines of code in a file, and lines in all with the tests.
const CODE_MAX: usize = 500;
const LINES_MAX: usize = 600;

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// All Rust files of some folders: their paths from the root of the package, and their texts.
fn files(folders: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    folders
        .iter()
        .map(|folder| root.join(folder))
        .filter(|folder| folder.exists())
        .for_each(|folder| files_below(&folder, &mut found));
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).expect("it lies below the root").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("the file can be read"))
    };
    found.into_iter().map(read).collect()
}

/// The place of a module in the order, if it has one.
fn place(module: &str) -> Option<usize> {
    let belongs = |part: &str| module == part || module.starts_with(&format!("{part}::"));
    let longest = ORDER.iter().filter(|part| belongs(part)).max_by_key(|part| part.len())?;
    ORDER.iter().position(|part| part == longest)
}

/// The modules that a text takes from its own crate, with the lines that do so.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':')).unwrap_or(rest.len());
            found.push((number + 1, rest[..end].trim_end_matches(':').to_owned()));
        }
    }
    found
}

/// The imports of a file that look to the right, or have no place, and how many it has in all. The whole file is read:
/// what is for tests alone may stand anywhere in it, and has no other rules.
fn judged(name: &str, text: &str) -> (Vec<String>, usize) {
    let module = name.trim_start_matches("src/").trim_end_matches(".rs").replace('/', "::");
    let Some(own) = place(&module) else {
        return (Vec::new(), 0);
    };
    let found = imports(text);
    let wrong = found
        .iter()
        .filter_map(|(line, import)| match place(import) {
            None => Some(format!("{name}:{line}: {import} has no place in the order")),
            Some(other) if other > own => {
                Some(format!("{name}:{line}: {} imports from {}, which is to its right", ORDER[own], ORDER[other]))
            }
            Some(_) => None,
        })
        .collect();
    (wrong, found.len())
}

/// The lines of a file that are for more than tests: without each item behind `#[cfg(test)]`, wherever it stands.
/// rustfmt has its closing brace stand alone below its beginning.
fn code_lines(text: &str) -> usize {
    let mut count = 0;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            count += 1;
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let closing = format!("{indent}}}");
        // Other attributes may stand between.
        let first = lines.find(|line| !line.trim_start().starts_with("#["));
        if first.is_some_and(|line| line.ends_with('{')) {
            lines.find(|line| *line == closing);
        }
    }
    count
}

#[test]
fn parts_import_from_the_left() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for (name, text) in files(&["src"]) {
        let (faults, count) = judged(&name, &text);
        wrong.extend(faults);
        seen += count;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "the imports are found: {seen}");
}

#[test]
fn what_stands_behind_a_test_is_read_too() {
    let text = "//! x\nuse crate::api::a;\n#[cfg(test)]\nmod tests;\nuse crate::commands::b;\n\
                impl X {\n    #[cfg(test)]\n    #[must_use]\n    fn c() {\n        d();\n    }\n\n    fn e() {\n    }\n}\n";
    let (wrong, seen) = judged("src/bulk/x.rs", text);
    let expected = "src/bulk/x.rs:5: bulk imports from commands, which is to its right";
    assert_eq!((wrong.as_slice(), seen), ([expected.to_owned()].as_slice(), 2));
    assert_eq!(judged("src/commands/x.rs", text), (Vec::new(), 2));
    assert_eq!(code_lines(text), 8);
}

#[test]
fn the_check_of_imports_finds_them() {
    let text = "use crate::report::exit::Exit;\n    let x = crate::api::url(y);\nuse crate::args::{a, b};\n";
    let found: Vec<String> = imports(text).into_iter().map(|(_, import)| import).collect();
    assert_eq!(found, ["report::exit::Exit", "api::url", "args"]);
    assert_eq!(
        [place("args::keys"), place("report::exit"), place("api"), place("other")],
        [Some(0), Some(4), Some(2), None]
    );
}

#[test]
fn files_stay_short_and_say_what_they_are_for() {
    for (name, text) in files(&["src", "tests", "benches"]) {
        let lines = text.lines().count();
        let code = code_lines(&text);
        assert!(
            code <= CODE_MAX && lines <= LINES_MAX,
            "{name}: {code} lines of code, {lines} in all: find the second responsibility"
        );
        assert!(text.starts_with("//! "), "{name} does not open with what it is responsible for");
        assert!(!text.contains(concat!("#[", "allow")), "{name}: write #[expect(…, reason)]");
    }
}

/// Exit codes depend on texts of errors that these keep private; another version may change them.
#[test]
fn crates_whose_private_texts_are_read_are_pinned() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("it can be read");
    for name in ["hyper-util", "reqwest"] {
        let start = format!("{name} = {{ version = \"=");
        assert!(manifest.lines().any(|line| line.starts_with(&start)), "{name} is not pinned to one version");
    }
}
