//! The forms of a page, as far as our pages and the sandbox's need.

/// A form that can be sent.
pub(super) struct Form {
    pub(super) action: String,
    /// What it sends without anybody typing.
    pub(super) hidden: Vec<(String, String)>,
}

/// The first form whose text contains this.
pub(super) fn form_with(page: &str, marker: &str) -> Option<Form> {
    let mut rest = page;
    while let Some(start) = rest.find("<form") {
        let end = rest[start..].find("</form>").map_or(rest.len(), |end| start + end);
        let form = &rest[start..end];
        if form.contains(marker) {
            return Some(read(form));
        }
        rest = &rest[end..];
    }
    None
}

/// Where the page goes on by itself, if it does so at once.
pub(super) fn refresh(page: &str) -> Option<String> {
    let tag = page.split('<').find(|tag| tag.starts_with("meta http-equiv=\"refresh\""))?;
    let content = attribute(tag, "content")?;
    content.strip_prefix("0; url=").map(str::to_owned)
}

/// What is in this element, without tags.
pub(super) fn text_of(page: &str, id: &str) -> Option<String> {
    let start = page.find(&format!("id=\"{id}\""))?;
    let open = start + page[start..].find('>')? + 1;
    let end = open + page[open..].find("</")?;
    Some(unescape(page[open..end].trim()))
}

fn read(form: &str) -> Form {
    let (tag, fields) = form.split_once('>').unwrap_or((form, ""));
    let hidden = fields
        .split('<')
        .filter(|field| field.starts_with("input") && field.contains("type=\"hidden\""))
        .filter_map(|field| Some((attribute(field, "name")?, attribute(field, "value").unwrap_or_default())));
    Form { action: attribute(tag, "action").unwrap_or_default(), hidden: hidden.collect() }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let end = start + tag[start..].find('"')?;
    Some(unescape(&tag[start..end]))
}

fn unescape(text: &str) -> String {
    const ENTITIES: [(&str, &str); 7] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    ENTITIES.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<p id="state" data-phase="x">All <b>well</b></p>
        <form method="post" action="/a"><input type="hidden" name="t" value="1"></form>
        <form method="post" action="/b?x=1&amp;y=2"><input type="hidden" name="t" value="2&#34;"><input name="email"></form>"#;

    #[test]
    fn the_right_form_is_found_and_read() {
        let form = form_with(PAGE, "name=\"email\"").unwrap();
        assert_eq!(form.action, "/b?x=1&y=2");
        assert_eq!(form.hidden, [("t".to_owned(), "2\"".to_owned())]);
        assert!(form_with(PAGE, "name=\"password\"").is_none());
    }

    #[test]
    fn a_page_that_goes_on_is_followed() {
        assert_eq!(refresh("<meta http-equiv=\"refresh\" content=\"0; url=/on\">"), Some("/on".to_owned()));
        assert_eq!(refresh("<meta http-equiv=\"refresh\" content=\"3; url=/on\">"), None);
        assert_eq!(text_of(PAGE, "state"), Some("All <b>well".to_owned()));
    }
}
