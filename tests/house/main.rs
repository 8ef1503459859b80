//! The rules of the house that no lint knows: which part may import which, no circle of imports between files, how long
//! files and functions may grow, and that each file opens with what it is responsible for. The test `figures` prints how
//! much of everything there is; `.ci/count` runs it alone.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a test target: it fails by a panic and prints figures")]

mod figures;
mod imports;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use imports::{Crate, Edge, circles};
use source::Source;

/// The parts from left to right; each imports from itself and from those to its left. The most specific name counts.
const ORDER: [&str; 8] = ["args", "settings", "api", "bulk", "report", "commands", "lib", "main"];

/// Lines of code in a file, and lines in all with the tests.
const CODE_MAX: usize = 500;
const LINES_MAX: usize = 600;
/// Lines of the longest function, from `fn` to the closing bracket, and of `main.rs`.
const FUNCTION_MAX: usize = 70;
const MAIN_MAX: usize = 49;

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

fn sources(folders: &[&str]) -> Vec<Source> {
    files(folders).into_iter().map(|(name, text)| Source::new(name, text)).collect()
}

/// The lines of a file that are for more than tests.
fn lines_of_code(source: &Source) -> usize {
    source.lines().filter(|(_, is_test)| !is_test).count()
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
fn misplaced_imports(name: &str, text: &str) -> (Vec<String>, usize) {
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

#[test]
fn parts_import_from_the_left() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for (name, text) in files(&["src"]) {
        let (faults, count) = misplaced_imports(&name, &text);
        wrong.extend(faults);
        seen += count;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "the imports are found: {seen}");
}

#[test]
fn code_after_a_test_module_is_checked_too() {
    let text = "//! x\nuse crate::api::a;\n#[cfg(test)]\nmod tests;\nuse crate::commands::b;\n\
                impl X {\n    #[cfg(test)]\n    #[must_use]\n    fn c() {\n        d();\n    }\n\n    fn e() {\n    }\n}\n";
    let (wrong, seen) = misplaced_imports("src/bulk/x.rs", text);
    let expected = "src/bulk/x.rs:5: bulk imports from commands, which is to its right";
    assert_eq!((wrong.as_slice(), seen), ([expected.to_owned()].as_slice(), 2));
    assert_eq!(misplaced_imports("src/commands/x.rs", text), (Vec::new(), 2));
    assert_eq!(lines_of_code(&Source::new("src/bulk/x.rs".to_owned(), text.to_owned())), 8);
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
fn files_are_short_and_begin_with_their_purpose() {
    for source in sources(&["src", "tests", "benches"]) {
        let Source { name, text, .. } = &source;
        let lines = text.lines().count();
        let code = lines_of_code(&source);
        assert!(
            code <= CODE_MAX && lines <= LINES_MAX,
            "{name}: {code} lines of code, {lines} in all: find the second responsibility"
        );
        assert!(text.starts_with("//! "), "{name} does not open with what it is responsible for");
        assert!(!text.contains(concat!("#[", "allow")), "{name}: write #[expect(…, reason)]");
    }
}

#[test]
fn functions_and_main_stay_short() {
    for source in sources(&["src"]) {
        for (function, lines) in source.functions() {
            assert!(lines <= FUNCTION_MAX, "{}: {function} has {lines} lines", source.name);
        }
        let is_main = source.name == "src/main.rs";
        assert!(!is_main || source.text.lines().count() <= MAIN_MAX, "main.rs parses, runs and returns; no more");
    }
}

/// No panic can be caused from outside to see it.
#[test]
fn main_ends_at_a_panic_before_it_does_anything_else() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).expect("it is there");
    assert!(text.contains("fn main() -> ExitCode {\n    vescli::end_at_panic();\n"));
}

/// No file of a circle can be read first.
#[test]
fn no_import_closes_a_circle() {
    let found: Vec<String> = circles(&Crate::new(&mut sources(&["src"])).edges())
        .iter()
        .map(|(from, to)| format!("{from} -> {to}"))
        .collect();
    assert!(found.is_empty(), "these imports close a circle:\n{}", found.join("\n"));
}

/// The same rule as above, for paths that begin with `super` or `self` too.
#[test]
fn files_import_from_the_left() {
    let edges = Crate::new(&mut sources(&["src"])).edges();
    let part = |name: &str| place(&name.trim_start_matches("src/").trim_end_matches(".rs").replace('/', "::"));
    let wrong: Vec<&Edge> = edges.iter().filter(|(from, to)| part(from) < part(to)).collect();
    assert!(wrong.is_empty(), "these look to the right: {wrong:#?}");
    assert!(edges.len() > 200, "the imports are found: {}", edges.len());
}

/// Planted: a circle through `super`, a re-export, a module within a file and one that is imported as a whole.
#[test]
fn a_circle_is_found_however_it_is_written() {
    let planted = [
        ("src/lib.rs", "mod a; mod b; mod c; mod d; mod e;"),
        ("src/a.rs", "use super::b::B; /* use crate::e::E; */ const S: &str = \"crate::e::E\";"),
        ("src/b/mod.rs", "mod inner; pub use inner::B; #[cfg(test)] mod tests { use crate::e::E; }"),
        ("src/b/inner.rs", "use crate::c; fn f() -> u8 { c::g::<u8>(1) }"),
        ("src/c.rs", "mod unix { pub fn h() { super::super::d::i(); super::g(); } } pub use self::unix::h;"),
        ("src/d.rs", "use crate::{a::{self, A}, e::E};"),
        ("src/e.rs", "struct E;"),
    ];
    let mut sources: Vec<Source> =
        planted.map(|(name, text)| Source::new(name.to_owned(), text.to_owned())).into_iter().collect();
    let edges = Crate::new(&mut sources).edges();
    let name = |name: &str| format!("src/{name}.rs");
    let circle = [("a", "b/inner"), ("b/inner", "c"), ("c", "d"), ("d", "a")].map(|(from, to)| (name(from), name(to)));
    assert_eq!(circles(&edges), BTreeSet::from(circle.clone()));
    assert_eq!(edges, circle.into_iter().chain([(name("d"), name("e"))]).collect());
}

/// What all operations share names none of them, so that another one changes nothing there. Its own file names it in the
/// values that it is made of, and nowhere else.
#[test]
fn an_operation_is_named_only_where_it_is_chosen() {
    const SHARED: [&str; 6] = [
        "src/api/",
        "src/bulk/journal/",
        "src/commands/sandbox/",
        "src/commands/send.rs",
        "src/report/json.rs",
        "src/report/text.rs",
    ];
    let own = "src/api/operation.rs";
    let mut sources = sources(&["src"]);
    Crate::new(&mut sources);
    let mut checked = 0;
    for start in SHARED {
        assert!(sources.iter().any(|source| source.name.starts_with(start)), "{start} is not there");
    }
    for source in &sources {
        let is_shared = SHARED.iter().any(|start| source.name.starts_with(start));
        let mut is_value = false;
        for (line, (kind, is_test)) in source.text.lines().zip(source.lines()) {
            let was_value = is_value || source.name == own && line.starts_with("pub static ");
            is_value = was_value && !line.ends_with(';');
            if is_shared && !was_value && !is_test && kind == source::Kind::Code {
                assert!(!line.to_lowercase().contains("send_password_email"), "{}: {line}", source.name);
                checked += 1;
            }
        }
    }
    assert!(checked > 2000, "the code is found: {checked}");
}

#[test]
fn figures() {
    figures::print(&mut sources(&["src"]), &sources(&["tests", "benches"]));
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
