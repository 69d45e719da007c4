//! A page, read closely enough to ask it things and to find what no page may contain.

use std::collections::BTreeSet;

pub(crate) struct Page {
    pieces: Vec<Piece>,
}

enum Piece {
    Open(Tag),
    Close(String),
    Text(String),
}

pub(crate) struct Tag {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    is_whole: bool,
}

const VOID: [&str; 6] = ["meta", "link", "input", "br", "hr", "img"];

impl Tag {
    pub(crate) fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == attribute).map(|(_, value)| value.as_str())
    }

    fn read(inside: &str) -> Self {
        let (inside, slash) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let (name, mut rest) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let attribute = rest[..end].to_ascii_lowercase();
            rest = &rest[end..];
            let mut value = "";
            if let Some(after) = rest.strip_prefix('=') {
                let after = after.strip_prefix('"').expect("every value is quoted");
                (value, rest) = after.split_once('"').expect("every quote ends");
            }
            attributes.push((attribute, plain(value)));
        }
        let name = name.to_ascii_lowercase();
        Self { is_whole: slash || VOID.contains(&name.as_str()), name, attributes }
    }
}

impl Page {
    pub(crate) fn read(html: &str) -> Self {
        let mut rest = html.strip_prefix("<!doctype html>").expect("a page says what it is");
        let mut pieces = Vec::new();
        while let Some(start) = rest.find('<') {
            pieces.push(Piece::Text(plain(&rest[..start])));
            rest = &rest[start + 1..];
            let mut in_quotes = false;
            let end = rest.find(|c| {
                in_quotes ^= c == '"';
                c == '>' && !in_quotes
            });
            let (inside, after) = rest.split_at(end.expect("every tag ends"));
            pieces.push(match inside.strip_prefix('/') {
                Some(name) => Piece::Close(name.to_ascii_lowercase()),
                None => Piece::Open(Tag::read(inside)),
            });
            rest = &after[1..];
        }
        pieces.push(Piece::Text(plain(rest)));
        let page = Self { pieces };
        page.assert_sound();
        page
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Open(tag) => Some(tag),
            _ => None,
        })
    }

    fn attributes(&self, wanted: &str) -> impl Iterator<Item = &str> {
        self.tags().filter_map(move |tag| tag.get(wanted))
    }

    /// All text that a person reads.
    pub(crate) fn text(&self) -> String {
        words(&self.pieces)
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// The text of the element with this id, if there is one.
    pub(crate) fn element(&self, id: &str) -> Option<String> {
        let start = self.pieces.iter().position(|piece| match piece {
            Piece::Open(tag) => tag.get("id") == Some(id),
            _ => false,
        })?;
        let mut depth = 0;
        let end = self.pieces[start..].iter().position(|piece| {
            match piece {
                Piece::Open(tag) if !tag.is_whole => depth += 1,
                Piece::Close(_) => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        Some(words(&self.pieces[start..start + end]))
    }

    pub(crate) fn tag(&self, id: &str) -> &Tag {
        self.tags().find(|tag| tag.get("id") == Some(id)).unwrap_or_else(|| panic!("no {id}"))
    }

    pub(crate) fn phase(&self) -> &str {
        self.attributes("data-phase").next().expect("a phase")
    }

    /// What the button says that submits a form to this address.
    pub(crate) fn button(&self, action: &str) -> Option<String> {
        let is_form = |piece: &Piece| matches!(piece, Piece::Open(tag) if tag.get("action").is_some_and(|to| to == action));
        let start = self.pieces.iter().position(is_form)?;
        let rest = &self.pieces[start..];
        let open = rest.iter().position(|piece| matches!(piece, Piece::Open(tag) if tag.name == "button"))?;
        let close = rest.iter().position(|piece| matches!(piece, Piece::Close(name) if name == "button"))?;
        Some(words(&rest[open..close]))
    }

    pub(crate) fn links_to(&self, href: &str) -> bool {
        self.attributes("href").any(|to| to == href)
    }

    /// Where the forms go to.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.attributes("action").map(str::to_owned).collect()
    }

    pub(crate) fn reload(&self) -> Option<&str> {
        self.tags().find(|tag| tag.get("http-equiv") == Some("refresh")).and_then(|tag| tag.get("content"))
    }

    fn assert_sound(&self) {
        let count = |name: &str| self.tags().filter(|tag| tag.name == name).count();
        for once in ["html", "main", "h1"] {
            assert_eq!(count(once), 1, "<{once}>");
        }
        for never in ["script", "style", "iframe", "object", "embed", "base"] {
            assert_eq!(count(never), 0, "<{never}>");
        }
        for tag in self.tags() {
            for (name, value) in &tag.attributes {
                assert!(name != "style" && !name.starts_with("on"), "<{} {name}=\"{value}\">", tag.name);
                if ["href", "src", "action"].contains(&name.as_str()) {
                    assert!(value.starts_with('/') || value.starts_with('#'), "it leads away: {value}");
                }
            }
        }
        self.assert_nested();
        self.assert_references();
        assert_eq!(count("form"), self.attributes("name").filter(|name| *name == "csrf_token").count());
    }

    fn assert_nested(&self) {
        let mut open = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Open(tag) if !tag.is_whole => open.push(tag.name.as_str()),
                Piece::Close(name) => assert_eq!(open.pop(), Some(name.as_str()), "tags are nested"),
                _ => {}
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    fn assert_references(&self) {
        let ids: Vec<_> = self.attributes("id").collect();
        let unique: BTreeSet<_> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "an id is there twice: {ids:?}");
        let named = ["aria-labelledby", "aria-describedby", "for"].into_iter();
        let named = named.flat_map(|name| self.attributes(name)).flat_map(str::split_whitespace);
        let jumps = self.attributes("href").filter_map(|href| href.strip_prefix('#'));
        for id in named.chain(jumps) {
            assert!(unique.contains(id), "nothing has the id {id}");
        }
    }
}

fn words(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(more) => text.push_str(more),
            // Text of different blocks is not one word.
            Piece::Open(tag) if !["span", "strong", "time", "a"].contains(&tag.name.as_str()) => {
                text.push(' ');
            }
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain(escaped: &str) -> String {
    let entities = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    let plain = entities.iter().fold(escaped.to_owned(), |text, (entity, is)| text.replace(entity, is));
    assert!(!plain.contains("&#") && !plain.contains("&lt;"), "an entity that is not known here: {plain}");
    plain
}
