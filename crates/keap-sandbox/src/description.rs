//! The operations of Keap's published API descriptions: which paths there are, and how they are called.

use std::collections::HashMap;
use std::sync::LazyLock;

use http::Method;

/// All operations of REST v1 (description of 2025-11-05) and v2 (November 2026), one `METHOD path id` a line.
static OPERATIONS: LazyLock<Operations> = LazyLock::new(|| {
    let lines =
        [include_str!("../description/operations-v1.txt"), include_str!("../description/operations-v2.txt")];
    Operations::read(&lines)
});

/// What the description says about a method and path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// This operation, with the variable parts of the path.
    Operation { id: &'static str, parameters: Vec<&'a str> },
    /// The path exists, with these methods only.
    OtherMethods(Vec<&'static str>),
    /// No such path.
    Nothing,
}

/// Looks up a path below `/crm`. HEAD counts as GET; a slash at the end does not count (observed in v1).
pub(crate) fn find<'a>(method: &Method, path: &'a str) -> Found<'a> {
    let mut parameters = Vec::new();
    let node = OPERATIONS.root.find(&segments(path.trim_end_matches('/')), &mut parameters);
    let Some(node) = node.filter(|node| !node.operations.is_empty()) else { return Found::Nothing };
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    match node.operations.iter().find(|(known, _)| *known == method) {
        Some((_, id)) => Found::Operation { id, parameters },
        None => Found::OtherMethods(node.operations.iter().map(|(method, _)| *method).collect()),
    }
}

#[derive(Default)]
struct Operations {
    root: Node,
}

#[derive(Default)]
struct Node {
    literal: HashMap<&'static str, Node>,
    variable: Option<Box<Node>>,
    operations: Vec<(&'static str, &'static str)>,
}

impl Operations {
    fn read(files: &[&'static str]) -> Self {
        let mut operations = Self::default();
        for line in files.iter().flat_map(|file| file.lines()) {
            let mut words = line.split(' ');
            if let (Some(method), Some(path), Some(id)) = (words.next(), words.next(), words.next()) {
                operations.root.add(&segments(path), method, id);
            }
        }
        operations
    }
}

impl Node {
    fn add(&mut self, path: &[&'static str], method: &'static str, id: &'static str) {
        let Some((first, rest)) = path.split_first() else {
            self.operations.push((method, id));
            return;
        };
        let next = if first.starts_with('{') {
            self.variable.get_or_insert_default()
        } else {
            self.literal.entry(first).or_default()
        };
        next.add(rest, method, id);
    }

    /// Literal parts go before variable ones, so that `/tags/categories` is not the tag called "categories".
    fn find<'node, 'a>(&'node self, path: &[&'a str], parameters: &mut Vec<&'a str>) -> Option<&'node Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        let literal = self.literal.get(*first).and_then(|next| next.find(rest, parameters));
        if literal.is_some_and(|node| !node.operations.is_empty()) {
            return literal;
        }
        let next = self.variable.as_ref().filter(|_| !first.is_empty() && !first.starts_with(':'))?;
        parameters.push(first);
        let found = next.find(rest, parameters);
        if found.is_none() {
            parameters.pop();
        }
        found
    }
}

/// `/tags/{id}/contacts:applyTags` has the parts `tags`, `{id}`, `contacts` and `:applyTags`.
fn segments(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.trim_start_matches('/').split('/') {
        match part.find(':') {
            Some(at) if at > 0 => parts.extend([&part[..at], &part[at..]]),
            _ => parts.push(part),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id<'a>(method: &Method, path: &'a str) -> (&'static str, Vec<&'a str>) {
        match find(method, path) {
            Found::Operation { id, parameters } => (id, parameters),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn paths_lead_to_operations() {
        assert_eq!(id(&Method::GET, "/rest/v2/contacts"), ("listContacts", vec![]));
        assert_eq!(id(&Method::GET, "/rest/v2/contacts/7"), ("getContact", vec!["7"]));
        assert_eq!(id(&Method::HEAD, "/rest/v2/contacts/7"), ("getContact", vec!["7"]));
        assert_eq!(id(&Method::GET, "/rest/v2/contacts/model"), ("retrieveContactModel", vec![]));
        assert_eq!(id(&Method::GET, "/rest/v2/tags/categories"), ("listTagCategories", vec![]));
        assert_eq!(id(&Method::POST, "/rest/v2/tags/7/contacts:applyTags"), ("applyTags", vec!["7"]));
        assert_eq!(id(&Method::GET, "/rest/v2/files/9:data").1, vec!["9"]);
        assert_eq!(id(&Method::GET, "/rest/v2/tags/categories/3"), ("getCategory", vec!["3"]));
        assert_eq!(id(&Method::GET, "/rest/v1/contacts/").1, Vec::<&str>::new());
    }

    #[test]
    fn other_paths_and_methods_are_told_apart() {
        assert_eq!(find(&Method::GET, "/rest/v2/shoes"), Found::Nothing);
        assert_eq!(find(&Method::GET, "/rest/v2"), Found::Nothing);
        assert_eq!(find(&Method::GET, "/rest/v2/tags//contacts"), Found::Nothing);
        assert!(
            matches!(find(&Method::PUT, "/rest/v2/tags"), Found::OtherMethods(methods) if methods == ["GET", "POST"])
        );
    }

    #[test]
    fn every_operation_finds_itself() {
        let mut count = 0;
        for line in [
            include_str!("../description/operations-v1.txt"),
            include_str!("../description/operations-v2.txt"),
        ]
        .iter()
        .flat_map(|file| file.lines())
        {
            let mut words = line.split(' ');
            let (method, path, wanted) =
                (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let path = path.replace('{', "1").replace('}', "");
            assert_eq!(id(&method.parse().unwrap(), &path).0, wanted, "{line}");
            count += 1;
        }
        assert_eq!(count, 141 + 403);
    }
}
