//! Lists in pieces. A page token names the last item seen, so that pages stay true while records come and go.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::secret::TokenHash;

/// Documented: 0 to 1,000. Assumed: 0 and absent mean 1,000.
pub(crate) const PAGE_SIZE_MAX: usize = 1_000;

/// How a list is ordered and cut.
#[derive(Clone, Debug)]
pub(crate) struct Paging {
    pub(crate) order_by: &'static str,
    pub(crate) descending: bool,
    size: usize,
    after: Option<(String, u64)>,
    /// Binds a page token to the question it belongs to.
    question: String,
}

/// An item with what it is ordered by.
pub(crate) struct Keyed<T> {
    pub(crate) key: String,
    pub(crate) id: u64,
    pub(crate) item: T,
}

impl Paging {
    /// Reads the parameters of a list; `orders` are the fields that it can be ordered by, the first one by default.
    pub(crate) fn parse(
        order_by: Option<&str>,
        page_size: Option<&str>,
        page_token: Option<&str>,
        filter: &str,
        orders: &'static [&'static str],
    ) -> Result<Self, String> {
        let (order_by, descending) = parse_order(order_by.unwrap_or_default(), orders)?;
        let size = match page_size.filter(|size| !size.is_empty()) {
            None => PAGE_SIZE_MAX,
            Some(size) => match size.parse::<usize>() {
                Ok(0) => PAGE_SIZE_MAX,
                Ok(size) if size <= PAGE_SIZE_MAX => size,
                _ => return Err(format!("page_size must be between 0 and {PAGE_SIZE_MAX}")),
            },
        };
        let question = TokenHash::of(&format!("{order_by} {descending} {filter}")).fingerprint();
        let after = match page_token.filter(|token| !token.is_empty()) {
            None => None,
            Some(token) => Some(open_token(token, &question).ok_or("Invalid page_token")?),
        };
        Ok(Self { order_by, descending, size, after, question })
    }

    /// Orders and cuts; the second value is the next page token, empty at the end.
    pub(crate) fn cut<T>(&self, mut items: Vec<Keyed<T>>) -> (Vec<T>, String) {
        items.sort_by(|left, right| self.compare((&left.key, left.id), (&right.key, right.id)));
        if let Some((key, id)) = &self.after {
            items.retain(|item| self.compare((&item.key, item.id), (key, *id)).is_gt());
        }
        let more = items.len() > self.size;
        items.truncate(self.size);
        let token = match items.last() {
            Some(last) if more => self.token(&last.key, last.id),
            _ => String::new(),
        };
        (items.into_iter().map(|item| item.item).collect(), token)
    }

    fn compare(&self, left: (&String, u64), right: (&String, u64)) -> std::cmp::Ordering {
        let order = left.cmp(&right);
        if self.descending { order.reverse() } else { order }
    }

    fn token(&self, key: &str, id: u64) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {id} {key}", self.question))
    }
}

/// A key under which numbers sort as text.
pub(crate) fn number_key(number: u64) -> String {
    format!("{number:020}")
}

/// A key under which times sort as text.
pub(crate) fn time_key(at: jiff::Timestamp) -> String {
    format!("{:020}", at.as_millisecond())
}

fn parse_order(text: &str, orders: &'static [&'static str]) -> Result<(&'static str, bool), String> {
    let mut words = text.split_whitespace();
    let Some(field) = words.next() else { return Ok((orders.first().copied().unwrap_or("id"), false)) };
    let known = orders.iter().find(|known| **known == field);
    let known = known.ok_or_else(|| format!("Unsupported order_by field: {field}"))?;
    match (words.next(), words.next()) {
        (None | Some("asc"), None) => Ok((known, false)),
        (Some("desc"), None) => Ok((known, true)),
        _ => Err(format!("Invalid order_by: {text}")),
    }
}

fn open_token(token: &str, question: &str) -> Option<(String, u64)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let mut parts = text.splitn(3, ' ');
    let same_question = parts.next()? == question;
    let id = parts.next()?.parse().ok()?;
    let key = parts.next()?.to_owned();
    same_question.then_some((key, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: &[&str] = &["id", "name"];

    fn items(names: &[&str]) -> Vec<Keyed<String>> {
        names
            .iter()
            .zip(1..)
            .map(|(name, id)| Keyed { key: (*name).into(), id, item: (*name).into() })
            .collect()
    }

    #[test]
    fn pages_walk_the_whole_list_both_ways() {
        let names = ["b", "a", "c", "a", "d"];
        for (order, expected) in [("name asc", "aabcd"), ("name desc", "dcbaa")] {
            let (mut walked, mut token) = (String::new(), String::new());
            loop {
                let paging = Paging::parse(Some(order), Some("2"), Some(&token), "", ORDERS).unwrap();
                let (page, next) = paging.cut(items(&names));
                walked.extend(page);
                if next.is_empty() {
                    break;
                }
                token = next;
            }
            assert_eq!(walked, expected);
        }
    }

    #[test]
    fn a_token_belongs_to_its_question() {
        let paging = Paging::parse(None, Some("1"), None, "name==a", ORDERS).unwrap();
        let (_, token) = paging.cut(items(&["a", "b"]));
        assert!(Paging::parse(None, Some("1"), Some(&token), "name==a", ORDERS).is_ok());
        assert!(Paging::parse(None, Some("1"), Some(&token), "name==b", ORDERS).is_err());
        assert!(Paging::parse(Some("id desc"), Some("1"), Some(&token), "name==a", ORDERS).is_err());
        assert!(Paging::parse(None, None, Some("!"), "", ORDERS).is_err());
    }

    #[test]
    fn sizes_and_orders_are_checked() {
        for size in ["-1", "1001", "x"] {
            assert!(Paging::parse(None, Some(size), None, "", ORDERS).is_err(), "{size}");
        }
        for order in ["shoe", "id up", "id asc asc", "ID"] {
            assert!(Paging::parse(Some(order), None, None, "", ORDERS).is_err(), "{order}");
        }
    }
}
