//! As much of a browser as the pages need: it follows redirects on the same site, keeps cookies and posts forms.

use std::collections::BTreeMap;

use crate::keap::{Answer, Keap, form};

pub(crate) struct Browser<'a> {
    keap: &'a Keap,
    cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(keap: &'a Keap) -> Self {
        Self { keap, cookies: BTreeMap::new() }
    }

    /// Opens a page; ends at the first answer that does not lead on within the sandbox.
    pub(crate) async fn open(&mut self, url: &str) -> Answer {
        let mut url = self.keap.url(url.strip_prefix(self.keap.sandbox.url()).unwrap_or(url));
        loop {
            let answer = self.take(self.keap.http.get(&url)).await;
            match answer.header("location") {
                next if next.starts_with('/') => url = self.keap.url(next),
                _ => return answer,
            }
        }
    }

    /// Posts the form of a page with these fields; hidden ones are sent along.
    pub(crate) async fn submit(&mut self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let hidden = hidden_fields(&page.text);
        let mut pairs: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (&**name, &**value)).collect();
        pairs.extend(fields);
        let answer = self.post(&action(&page.text), &pairs).await;
        match answer.header("location") {
            next if next.starts_with('/') => {
                assert_eq!(answer.status, 303);
                let next = next.to_owned();
                self.open(&next).await
            }
            _ => answer,
        }
    }

    pub(crate) async fn post(&mut self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let request = self.keap.http.post(self.keap.url(path)).body(form(pairs));
        self.take(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    async fn take(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = self.keap.send(request.header("cookie", cookies.join("; "))).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

pub(crate) fn hidden_fields(html: &str) -> Vec<(String, String)> {
    let inputs = html.split("<input type=\"hidden\" name=\"").skip(1);
    let fields = inputs.map(|input| {
        let (name, rest) = input.split_once("\" value=\"").unwrap();
        (name.to_owned(), rest.split('"').next().unwrap().to_owned())
    });
    fields.collect()
}

fn action(html: &str) -> String {
    html.split("action=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}
