//! How variables refer to each other.
//!
//! A variable uses others in its text value, or in any string of its plugin's spec, written `$name`, `${name}`,
//! `${name:format}` or `${name.path}` as in Perses' user interface; `$1` is a group of a regular expression. What no variable
//! of the dashboard is called may be a variable of the project or a global one, so it is a warning, as Perses would know
//! better; variables that need each other can't be computed by anybody, so a cycle is a violation.

use std::collections::HashMap;

use super::findings::Findings;
use super::json::Json;
use super::pointer::Pointer;
use super::variables::BUILTIN_PREFIX;
use crate::domain::violation::{MAX_VIOLATIONS, quoted};

/// The most names of a cycle that a description lists.
const MAX_LISTED_NAMES: usize = 10;

/// A variable as a node of the graph.
pub(super) struct Variable<'t> {
    /// Its place among the variables of the dashboard.
    pub(super) index: usize,
    /// Its name, unique in the graph.
    pub(super) name: &'t str,
    /// The names of the variables that it uses, maybe repeatedly.
    pub(super) references: Vec<&'t str>,
}

/// Checks the graph of `variables`, which are in the array at `list`.
pub(super) fn check(variables: &[Variable<'_>], list: &Pointer<'_>, findings: &mut Findings) {
    let nodes: HashMap<&str, usize> = variables.iter().map(|variable| variable.name).zip(0..).collect();
    let mut dependencies = Vec::with_capacity(variables.len());
    for variable in variables {
        let mut declared = Vec::new();
        for reference in &variable.references {
            match nodes.get(reference) {
                Some(node) => declared.push(*node),
                None if reference.starts_with(BUILTIN_PREFIX) => {}
                None => findings.warn(format!(
                    "variable {} is used in the variable {} but not defined here: the project or a global variable must supply it",
                    quoted(reference),
                    quoted(variable.name),
                )),
            }
        }
        declared.sort_unstable();
        declared.dedup();
        dependencies.push(declared);
    }
    for cycle in find_cycles(&dependencies) {
        let members: Vec<&Variable<'_>> = cycle.iter().map(|node| &variables[*node]).collect();
        if let Some(first) = members.first() {
            let description = format!("circular dependency detected: {}", describe_cycle(first, &members));
            findings.refuse(&list.index(first.index), description);
        }
    }
}

/// The names of the variables that the strings in `value` refer to, in order, maybe repeatedly. Keys don't refer.
pub(super) fn references<'t>(value: &'t Json<'t>) -> Vec<&'t str> {
    let mut found = Vec::new();
    collect_references(value, &mut found);
    found
}

fn collect_references<'t>(value: &'t Json<'t>, found: &mut Vec<&'t str>) {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
        Json::String(text) => {
            let references = text.split('$').skip(1).filter_map(split_reference);
            found.extend(references.map(|(name, _)| name));
        }
        Json::Array(elements) => elements.iter().for_each(|element| collect_references(element, found)),
        Json::Object(members) => members.iter().for_each(|(_, member)| collect_references(member, found)),
    }
}

/// Splits the text after a `$` into the name of the variable that it begins with and what follows the reference; none if it
/// begins with no name.
pub(super) fn split_reference(after_dollar: &str) -> Option<(&str, &str)> {
    let (inner, is_braced) = match after_dollar.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (after_dollar, false),
    };
    let end = inner
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    if name.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if !is_braced {
        return Some((name, rest));
    }
    if !rest.starts_with(['}', ':', '.']) {
        return None;
    }
    let (_, after_brace) = rest.split_once('}')?;
    Some((name, after_brace))
}

/// The names of a cycle of `members` that begins and ends with `first`, from dependent to dependency.
fn describe_cycle(first: &Variable<'_>, members: &[&Variable<'_>]) -> String {
    let mut names: Vec<&str> = members.iter().map(|member| member.name).collect();
    names.push(first.name);
    if names.len() > MAX_LISTED_NAMES {
        names.truncate(MAX_LISTED_NAMES);
        names.push("…");
    }
    names.join(" -> ")
}

/// Finds cycles among nodes, each given with the sorted nodes that it depends on: the first [`MAX_VIOLATIONS`] that have no
/// node in common. Each begins with its smallest node and goes from dependent to dependency.
///
/// It builds nodes as Perses does, those whose dependencies are built; when none is left, it follows dependencies until
/// they come back, and takes that cycle as built to find the next. Nothing recurses, as a document may have many variables.
fn find_cycles(dependencies: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut build = Build::new(dependencies);
    let mut cycles = Vec::new();
    while cycles.len() < MAX_VIOLATIONS {
        build.run();
        let Some(start) = build.is_built.iter().position(|is_built| !is_built) else {
            break;
        };
        let cycle = build.find_cycle(start);
        for node in &cycle {
            build.schedule(*node);
        }
        cycles.push(cycle);
    }
    cycles
}

/// The state of [`find_cycles`].
struct Build<'d> {
    dependencies: &'d [Vec<usize>],
    dependents: Vec<Vec<usize>>,
    /// How many dependencies of each node are not built.
    missing: Vec<usize>,
    is_built: Vec<bool>,
    /// Nodes that are built, whose dependents don't know it.
    scheduled: Vec<usize>,
}

impl<'d> Build<'d> {
    fn new(dependencies: &'d [Vec<usize>]) -> Self {
        let mut dependents = vec![Vec::new(); dependencies.len()];
        for (node, needed) in dependencies.iter().enumerate() {
            for dependency in needed {
                dependents[*dependency].push(node);
            }
        }
        let mut build = Self {
            dependencies,
            dependents,
            missing: dependencies.iter().map(Vec::len).collect(),
            is_built: vec![false; dependencies.len()],
            scheduled: Vec::new(),
        };
        for (node, needed) in dependencies.iter().enumerate() {
            if needed.is_empty() {
                build.schedule(node);
            }
        }
        build
    }

    /// Takes `node` as built.
    fn schedule(&mut self, node: usize) {
        if !std::mem::replace(&mut self.is_built[node], true) {
            self.scheduled.push(node);
        }
    }

    /// Builds what can be built.
    fn run(&mut self) {
        while let Some(node) = self.scheduled.pop() {
            for dependent in std::mem::take(&mut self.dependents[node]) {
                self.missing[dependent] -= 1;
                if self.missing[dependent] == 0 {
                    self.schedule(dependent);
                }
            }
        }
    }

    /// Follows dependencies from `start`, where all that can be built is built, so that each node has one that is not.
    fn find_cycle(&self, start: usize) -> Vec<usize> {
        let mut path = Vec::new();
        let mut places = HashMap::new();
        let mut node = Some(start);
        while let Some(current) = node {
            if let Some(place) = places.insert(current, path.len()) {
                let mut cycle = path.split_off(place);
                let smallest = cycle.iter().zip(0..).min().map_or(0, |(_, place)| place);
                cycle.rotate_left(smallest);
                return cycle;
            }
            path.push(current);
            node = self.dependencies[current]
                .iter()
                .copied()
                .find(|next| !self.is_built[*next]);
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn references_are_found_in_strings() {
        for (text, names) in [
            ("", &[][..]),
            ("plain", &[]),
            ("$a", &["a"]),
            ("x$a-$b_1.$c", &["a", "b_1", "c"]),
            ("${a} ${b:csv} ${c.path} ${d.path:csv}", &["a", "b", "c", "d"]),
            ("label_replace(x, \"$1\", \"${1}\", \"$2x\")", &["2x"]),
            ("$", &[]),
            ("$$a", &["a"]),
            ("${a", &[]),
            ("${a b}", &[]),
            ("${}", &[]),
            ("^foo$", &[]),
            ("$__range", &["__range"]),
            ("$é", &[]),
        ] {
            assert_eq!(references(&Json::String(Cow::Borrowed(text))), names, "{text}");
        }
    }

    #[test]
    fn cycles_are_found_once_each() {
        for (dependencies, cycles) in [
            (vec![], vec![]),
            (vec![vec![], vec![0], vec![0, 1]], vec![]),
            (vec![vec![0]], vec![vec![0]]),
            (vec![vec![1], vec![0]], vec![vec![0, 1]]),
            // A tail leads into the cycle, another comes out of it.
            (
                vec![vec![2], vec![3], vec![3], vec![4], vec![2], vec![]],
                vec![vec![2, 3, 4]],
            ),
            (
                vec![vec![1], vec![0], vec![3], vec![2], vec![0, 3]],
                vec![vec![0, 1], vec![2, 3]],
            ),
        ] {
            assert_eq!(find_cycles(&dependencies), cycles, "{dependencies:?}");
        }
    }

    #[test]
    fn long_chains_neither_recurse_nor_take_long() {
        let ring: Vec<Vec<usize>> = (0..50_000).map(|node| vec![(node + 1) % 50_000]).collect();
        assert_eq!(find_cycles(&ring).iter().map(Vec::len).collect::<Vec<_>>(), [50_000]);
        let loops: Vec<Vec<usize>> = (0..50_000).map(|node| vec![node]).collect();
        assert_eq!(find_cycles(&loops).len(), MAX_VIOLATIONS);
    }
}
