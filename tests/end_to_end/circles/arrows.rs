//! Which file of a crate uses which other one, by the paths in its text: `use crate::...` and paths in the code itself.
//!
//! What a file re-exports is followed to where it stands: a page of `mod` and `pub use` stands in no circle. What only tests use is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::tokens::{Token, tokens};

/// A module as a path from the root of its crate; empty for that itself.
type Module = Vec<String>;

/// What files use each other for: (the one that uses, the other).
pub(crate) type Arrows = BTreeSet<(String, String)>;

/// A file of a crate, as it is written.
#[derive(Debug, Default)]
struct File {
    /// Modules that it declares in files of their own.
    children: BTreeSet<String>,
    /// What stands for a name here: the path that `use` gives, and whether others see it.
    names: BTreeMap<String, (Vec<String>, bool)>,
    /// The modules of which it uses all names.
    globs: Vec<Vec<String>>,
    /// Paths in the code, and names of one part.
    paths: BTreeSet<Vec<String>>,
}

/// The arrows between the files of a crate; `read` gives the text of a file in its folder of sources.
pub(crate) fn arrows(files: &BTreeMap<String, String>) -> Arrows {
    let source = Crate::of(files);
    let mut arrows = Arrows::new();
    for (module, (name, file)) in &source.modules {
        for used in source.used(module, file).into_iter().filter(|used| used != name) {
            arrows.insert((name.clone(), used));
        }
    }
    arrows
}

/// What each file imports and calls of other crates, as whole paths such as `std::fs::read`, whatever they are called there; with words
/// that are no path of the crate: names of macros and methods among them. What only tests use is left out.
pub(crate) fn foreign(files: &BTreeMap<String, String>) -> BTreeSet<(String, String)> {
    let source = Crate::of(files);
    let mut foreign = BTreeSet::new();
    for (name, file) in source.modules.values() {
        let imports = file.names.values().map(|(path, _)| path);
        for path in imports.chain(&file.globs).chain(&file.paths) {
            let path = file.in_full(path);
            if path.first().is_some_and(|first| !["crate", "self", "super"].contains(&first.as_str())) {
                foreign.insert((name.clone(), path.join("::")));
            }
        }
    }
    foreign
}

impl File {
    /// A path with what `use` gives in the place of its first name.
    fn in_full(&self, path: &[String]) -> Vec<String> {
        let mut path = path.to_vec();
        for _ in 0..16 {
            let Some((target, _)) = path.first().and_then(|first| self.names.get(first)) else { break };
            if target.first() == path.first() {
                break;
            }
            path.splice(..1, target.iter().cloned());
        }
        path
    }
}

/// The module of a file in the folder of sources, such as `training::rows` of `training/rows.rs`.
fn module_of(file: &str) -> Module {
    let parts = Path::new(file).with_extension("");
    let parts = parts.iter().map(|part| part.to_string_lossy().into_owned());
    parts.filter(|part| !["lib", "main", "mod"].contains(&part.as_str())).collect()
}

struct Crate {
    modules: BTreeMap<Module, (String, File)>,
}

impl Crate {
    /// Its files as they are written, by name; those of tests are left out.
    fn of(files: &BTreeMap<String, String>) -> Self {
        let mut modules: BTreeMap<Module, (String, File)> = BTreeMap::new();
        let mut of_tests = BTreeSet::new();
        for (name, text) in files {
            let module = module_of(name);
            let (file, tests) = parse(&tokens(text));
            of_tests.extend(tests.into_iter().map(|test| [module.clone(), vec![test]].concat()));
            modules.insert(module, (name.clone(), file));
        }
        modules.retain(|module, _| !of_tests.iter().any(|test: &Module| module.starts_with(test)));
        Self { modules }
    }

    /// The files that a file uses.
    fn used(&self, module: &Module, file: &File) -> BTreeSet<String> {
        let is_named = |name: &str| file.paths.iter().any(|path| path.first().is_some_and(|first| first == name));
        // What is only passed on is not used here, and a module that is only given a name is used where a path goes through it.
        let imports = file.names.iter().filter(|(name, (_, is_seen))| !is_seen || is_named(name));
        let imports = imports.map(|(_, (path, _))| path).filter(|path| !self.is_module(module, path));
        let paths = file.paths.iter().filter(|path| path.len() > 1);
        let mut used: BTreeSet<String> =
            imports.chain(paths).chain(&file.globs).filter_map(|path| self.find(module, path, 0)).collect();
        used.extend(file.globs.iter().filter_map(|path| self.find(module, path, 0)));
        used
    }

    fn is_module(&self, from: &Module, path: &[String]) -> bool {
        self.absolute(from, path, 0).is_some_and(|path| self.modules.contains_key(&path))
    }

    /// A path from the root of the crate; `None` for one that leads out of it.
    fn absolute(&self, from: &Module, path: &[String], depth: usize) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let mut absolute = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.clone(),
            "super" => from.split_last()?.1.to_vec(),
            name => {
                let (_, file) = self.modules.get(from)?;
                match file.names.get(name) {
                    Some((target, _)) if depth < 16 && target.first() != Some(first) => {
                        self.absolute(from, target, depth + 1)?
                    }
                    _ if file.children.contains(name) => [from.clone(), vec![name.to_owned()]].concat(),
                    _ => return None,
                }
            }
        };
        for part in rest {
            match part.as_str() {
                "super" => _ = absolute.pop(),
                "self" => {}
                part => absolute.push(part.to_owned()),
            }
        }
        Some(absolute)
    }

    /// The file in which that stands which a path names; `None` where it leads out of the crate.
    fn find(&self, from: &Module, path: &[String], depth: usize) -> Option<String> {
        let absolute = self.absolute(from, path, 0)?;
        let mut module = Module::new();
        let mut rest = absolute.as_slice();
        while let Some((next, after)) = rest.split_first() {
            let inner = [module.clone(), vec![next.clone()]].concat();
            if !self.modules.contains_key(&inner) {
                break;
            }
            (module, rest) = (inner, after);
        }
        let (name, file) = self.modules.get(&module)?;
        match rest.first().and_then(|item| file.names.get(item)) {
            Some((target, _)) if depth < 16 => {
                let target = [target.clone(), rest.get(1..).unwrap_or_default().to_vec()].concat();
                // What it is called here may be of another crate.
                self.absolute(&module, &target, 0)?;
                self.find(&module, &target, depth + 1)
            }
            _ => Some(name.clone()),
        }
    }
}

/// What a file says, and the modules that it has for tests alone.
fn parse(tokens: &[Token]) -> (File, Vec<String>) {
    let (mut file, mut of_tests) = (File::default(), Vec::new());
    let for_tests = self::tokens("#[cfg(test)]");
    let mut place = 0;
    let mut is_seen = false;
    while let Some(token) = tokens.get(place) {
        let rest = &tokens[place..];
        let word = token.word();
        if rest.starts_with(&for_tests) {
            let item = &rest[for_tests.len()..];
            let length = length_of_item(item);
            of_tests.extend(declared_module(&item[..length]).map(|(name, _)| name));
            place += for_tests.len() + length;
            continue;
        }
        if word == Some("mod")
            && let Some((name, is_file)) = declared_module(rest)
        {
            if is_file {
                file.children.insert(name);
            }
            place += 3;
        } else if word == Some("use") {
            let length = rest.iter().position(|token| *token == Token::Mark(';')).unwrap_or(rest.len());
            use_tree(&rest[1..length], &[], is_seen, &mut file);
            place += length;
        } else if word == Some("pub") {
            is_seen = true;
            place += 1;
            if tokens.get(place) == Some(&Token::Mark('(')) {
                place += tokens[place..].iter().position(|token| *token == Token::Mark(')')).unwrap_or(0) + 1;
            }
            continue;
        } else if let Some(first) = word {
            let mut path = vec![first.to_owned()];
            while let (Some(Token::Path), Some(next)) =
                (tokens.get(place + 1), tokens.get(place + 2).and_then(Token::word))
            {
                path.push(next.to_owned());
                place += 2;
            }
            file.paths.insert(path);
            place += 1;
        } else {
            place += 1;
        }
        is_seen = false;
    }
    (file, of_tests)
}

/// The module that an item declares, and whether it has a file of its own.
fn declared_module(item: &[Token]) -> Option<(String, bool)> {
    let begins = item.iter().position(|token| token.word() == Some("mod"))?;
    match item.get(begins..)? {
        [_, Token::Word(name), Token::Mark(mark @ (';' | '{')), ..] => Some((name.clone(), *mark == ';')),
        _ => None,
    }
}

/// How many tokens an item has, with the attributes before it.
fn length_of_item(tokens: &[Token]) -> usize {
    let mut depth = 0;
    let ends_with_semicolon =
        tokens.iter().filter_map(Token::word).find(|word| *word != "pub").is_some_and(|word| word == "use");
    for (place, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']') => depth -= 1,
            Token::Mark('}') => {
                depth -= 1;
                if depth == 0 && !ends_with_semicolon {
                    return place + 1;
                }
            }
            Token::Mark(';') if depth == 0 => return place + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Takes the names that a tree of `use` gives, below a path.
fn use_tree(tree: &[Token], above: &[String], is_seen: bool, file: &mut File) {
    let mut path = above.to_vec();
    let mut place = 0;
    while let Some(token) = tree.get(place) {
        match token {
            Token::Word(word) if word == "as" => {
                if let Some(name) = tree.get(place + 1).and_then(Token::word) {
                    file.names.insert(name.to_owned(), (path, is_seen));
                }
                return;
            }
            Token::Word(word) => path.push(word.clone()),
            Token::Mark('*') => return file.globs.push(path),
            Token::Mark('{') => {
                for branch in branches(&tree[place + 1..]) {
                    use_tree(branch, &path, is_seen, file);
                }
                return;
            }
            _ => {}
        }
        place += 1;
    }
    if path.len() > above.len() && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    if let Some(name) = path.last().cloned() {
        file.names.insert(name, (path, is_seen));
    }
}

/// The parts between the commas of a `{...}` whose `{` is gone.
fn branches(tree: &[Token]) -> Vec<&[Token]> {
    let (mut branches, mut depth, mut from) = (Vec::new(), 0, 0);
    for (place, token) in tree.iter().enumerate() {
        match token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') if depth == 0 => {
                branches.push(&tree[from..place]);
                break;
            }
            Token::Mark('}') => depth -= 1,
            Token::Mark(',') if depth == 0 => {
                branches.push(&tree[from..place]);
                from = place + 1;
            }
            _ => {}
        }
    }
    branches.retain(|branch| !branch.is_empty());
    branches
}
