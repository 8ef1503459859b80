//! Which file imports from which: paths that begin with `crate`, `super`, `self`, a module declared in the file or one
//! that was imported, each followed to the file that defines what is named. A re-export is followed to its origin and is
//! no import itself: it is a line in a table of contents.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, end_of_attributes, identifier, item_end, words};

type Module = Vec<String>;

/// All files of `src`, by module.
pub(crate) struct Crate {
    files: BTreeMap<Module, File>,
}

struct File {
    name: String,
    code: String,
    /// Names that a `use` brings, and their paths as they stand.
    uses: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    /// The same, of which others can make use.
    exports: BTreeMap<String, Vec<String>>,
}

/// A file and one that it imports from.
pub(crate) type Edge = (String, String);

impl Crate {
    /// Reads the sources; marks as tests the files that are declared behind `#[cfg(test)]`, and those below them.
    pub(crate) fn new(sources: &mut [Source]) -> Self {
        let mut crate_ = Self { files: BTreeMap::new() };
        for root in ["src/lib.rs", "src/main.rs"] {
            let module = if root == "src/lib.rs" { vec![] } else { vec!["main".to_owned()] };
            crate_.add(sources, root, module, false);
        }
        crate_
    }

    fn add(&mut self, sources: &mut [Source], name: &str, module: Module, is_test: bool) {
        let Some(source) = sources.iter_mut().find(|source| source.name == name) else {
            return;
        };
        if is_test {
            source.test_items = std::iter::once(0..source.text.len()).collect();
        }
        let children = children(source, &module);
        if !is_test {
            self.files.insert(module, File::new(source));
        }
        for (name, child, is_test) in children {
            self.add(sources, &name, child, is_test);
        }
    }

    /// Every pair of a file and another that it imports from.
    pub(crate) fn edges(&self) -> BTreeSet<Edge> {
        let mut edges = BTreeSet::new();
        for (module, file) in &self.files {
            let others = self.imports(module, file).into_iter().filter(|other| *other != file.name);
            edges.extend(others.map(|other| (file.name.clone(), other)));
        }
        edges
    }

    fn imports(&self, module: &Module, file: &File) -> BTreeSet<String> {
        let exported: BTreeSet<_> = file.exports.values().collect();
        // A module that is imported as a whole counts by what is taken out of it.
        let used = file.uses.values().filter(|path| !exported.contains(path) && !self.is_module(module, path));
        let paths = used.chain(&file.globs).cloned().chain(paths(&file.code));
        paths.filter_map(|path| self.resolve(module, &path, true, 0)).collect()
    }

    fn is_module(&self, module: &Module, path: &[String]) -> bool {
        self.walk(module, path, false, 0).is_some_and(|(_, rest)| rest.is_empty())
    }

    /// The file that defines what a path names; `None` when it is no path of this crate.
    fn resolve(&self, module: &Module, path: &[String], with_uses: bool, depth: usize) -> Option<String> {
        let (module, _) = self.walk(module, path, with_uses, depth)?;
        self.files.get(&module).map(|file| file.name.clone())
    }

    /// The module that a path leads to, and what is left of the path there.
    fn walk(&self, from: &Module, path: &[String], with_uses: bool, depth: usize) -> Option<(Module, Vec<String>)> {
        if depth > 8 {
            return None;
        }
        let mut at = from.clone();
        let mut rest = path.iter();
        match path.first()?.as_str() {
            "crate" if from.first().is_some_and(|name| name == "main") => at = vec!["main".to_owned()],
            "crate" | "vescli" => at = vec![],
            "self" => {}
            "super" => drop(at.pop()),
            first if self.files.contains_key(&child(&at, first)) => at.push(first.to_owned()),
            first if with_uses => {
                let mut long = self.files.get(from)?.uses.get(first)?.clone();
                long.extend(path[1..].iter().cloned());
                return (long != path).then(|| self.walk(from, &long, false, depth + 1)).flatten();
            }
            _ => return None,
        }
        rest.next();
        let mut rest: Vec<String> = rest.cloned().collect();
        while let Some(name) = rest.first().cloned() {
            if name == "super" {
                at.pop();
            } else if self.files.contains_key(&child(&at, &name)) {
                at.push(name);
            } else if let Some(export) = self.files.get(&at).and_then(|file| file.exports.get(&name)) {
                let mut long = export.clone();
                long.extend(rest[1..].iter().cloned());
                return self.walk(&at, &long, false, depth + 1).or(Some((at, rest)));
            } else {
                break;
            }
            rest.remove(0);
        }
        Some((at, rest))
    }
}

fn child(module: &Module, name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// The files that a file declares as its modules, with their modules and whether they are for tests.
fn children(source: &Source, module: &Module) -> Vec<(String, Module, bool)> {
    let folder = match module.split_first() {
        None => "src".to_owned(),
        Some((first, [])) if first == "main" => "src".to_owned(),
        Some(_) => format!("src/{}", module.join("/")),
    };
    let is_root_of_folder = source.name.ends_with("/mod.rs") || module.is_empty();
    let of_file = source.name.rsplit_once('/').map_or("src", |(folder, _)| folder).to_owned();
    let mut found = Vec::new();
    for at in words(&source.code, "mod") {
        let name = identifier(source.code[at + 3..].trim_start());
        let end = item_end(&source.code, at);
        if !source.code[at..end].ends_with(';') {
            continue;
        }
        let line = source.code[..at].rfind(['}', ';', '{']).map_or(0, |end| end + 1);
        let path = source.text[line..at].split_once("#[path = \"").and_then(|(_, rest)| rest.split('"').next());
        let candidates = match path {
            Some(path) => vec![format!("{of_file}/{path}")],
            None if is_root_of_folder => vec![format!("{of_file}/{name}.rs"), format!("{of_file}/{name}/mod.rs")],
            None => vec![format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")],
        };
        for file in candidates {
            found.push((file, child(module, name), source.is_test(at)));
        }
    }
    found
}

impl File {
    /// What is for tests is left out.
    fn new(source: &Source) -> Self {
        let mut code = source.code.clone().into_bytes();
        source.test_items.iter().for_each(|item| code[item.clone()].fill(b' '));
        let code = String::from_utf8(code).unwrap_or_default();
        let (mut uses, mut exports, mut globs) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut without_uses = code.clone();
        for at in words(&code, "use") {
            let end = at + code[at..].find(';').map_or(code.len() - at, |end| end + 1);
            let mut found = Vec::new();
            tree(&code[at + 3..end - 1], &[], &mut found);
            let statement = code[..at].rfind(['}', ';', '{']).map_or(0, |end| end + 1);
            let statement = end_of_attributes(&code, statement);
            let inner = nesting(&code, at);
            for (name, mut path) in found {
                // In a module within the file, `super` is the file itself.
                if path[0] == "super" && inner > 0 {
                    "self".clone_into(&mut path[0]);
                }
                if name == "*" {
                    globs.push(path.clone());
                } else if code[statement..at].trim_start().starts_with("pub") {
                    exports.insert(name.clone(), path.clone());
                }
                uses.insert(name, path);
            }
            without_uses.replace_range(at..end, &" ".repeat(end - at));
        }
        uses.remove("*");
        Self { name: source.name.clone(), code: without_uses, uses, globs, exports }
    }
}

/// How many modules within the file are open here.
fn nesting(code: &str, at: usize) -> usize {
    let inner = words(code, "mod").filter(|start| *start < at && at < item_end(code, *start));
    inner.filter(|start| code[*start..item_end(code, *start)].ends_with('}')).count()
}

/// The names that a tree of imports brings, each with its whole path.
fn tree(text: &str, before: &[String], found: &mut Vec<(String, Vec<String>)>) {
    let text = text.trim();
    if let Some(brace) = text.find('{') {
        let mut path = before.to_vec();
        path.extend(text[..brace].split("::").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned));
        let inner = &text[brace + 1..text.rfind('}').unwrap_or(text.len())];
        let (mut depth, mut start) = (0, 0);
        for (at, c) in inner.char_indices() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if c == ',' && depth == 0 {
                tree(&inner[start..at], &path, found);
                start = at + 1;
            }
        }
        tree(&inner[start..], &path, found);
    } else if !text.is_empty() {
        let (path, alias) = text.split_once(" as ").unwrap_or((text, ""));
        let names = path.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let mut path: Vec<String> = before.iter().cloned().chain(names).collect();
        if path.len() > 1 && path.last().is_some_and(|name| name == "self") {
            path.pop();
        }
        let last = path.last().cloned().unwrap_or_default();
        if last == "*" {
            path.pop();
        }
        found.push((if alias.is_empty() { last } else { alias.trim().to_owned() }, path));
    }
}

/// The paths of two names or more in code outside of `use`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = code[at..].find(|c: char| c.is_alphabetic() || c == '_') {
        let start = at + next;
        let mut end = start + identifier(&code[start..]).len();
        let mut path = vec![code[start..end].to_owned()];
        while code[end..].starts_with("::") && !identifier(&code[end + 2..]).is_empty() {
            let name = identifier(&code[end + 2..]);
            path.push(name.to_owned());
            end += 2 + name.len();
        }
        let is_start = !code[..start].ends_with(['.', ':']) || code[..start].ends_with(": ");
        if path.len() > 1 && is_start && path[0] != "Self" {
            // Within a module of the file itself, `super` leads to the file.
            if path[0] == "super" && nesting(code, start) > 0 {
                "self".clone_into(&mut path[0]);
            }
            found.push(path);
        }
        at = end;
    }
    found
}

/// The edges that lie on a circle: those from whose end a way leads back to their beginning.
pub(crate) fn circles(edges: &BTreeSet<Edge>) -> BTreeSet<Edge> {
    edges.iter().filter(|(from, to)| leads_to(edges, to, from)).cloned().collect()
}

fn leads_to(edges: &BTreeSet<Edge>, from: &str, to: &str) -> bool {
    let mut reached = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for (_, next) in edges.iter().filter(|(from, _)| from == file) {
            if next == to {
                return true;
            }
            if reached.insert(next) {
                open.push(next);
            }
        }
    }
    from == to
}
