//! A small client that behaves as a browser does: cookies, forms, and the headers that tell where a form is from.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

/// A browser of one visitor.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    address: SocketAddr,
    origin: String,
    /// Where the connection comes from.
    pub(crate) from: IpAddr,
    /// Name and value of each cookie.
    pub(crate) cookies: BTreeMap<String, String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr, origin: &str) -> Self {
        Self { address, origin: origin.to_owned(), from: [127, 0, 0, 1].into(), cookies: BTreeMap::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// Opens the page with the form, fills it in and sends it; the page is at the form's own path.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(path).await;
        self.submit_from(&page, path, fields).await
    }

    /// Sends a form that stands on this page.
    pub(crate) async fn submit_from(&mut self, page: &Answer, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = page.form_token().unwrap_or_default();
        let mut fields = fields.to_vec();
        fields.push(("csrf_token", &token));
        let origin = self.origin.clone();
        self.post(path, &fields, &[("Origin", &origin), ("Sec-Fetch-Site", "same-origin")]).await
    }

    /// Sends fields with just these headers about where they are from.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = serde_html_form::to_string(fields).unwrap();
        let mut headers = headers.to_vec();
        headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        self.send("POST", path, &headers, &body).await
    }

    /// Goes where the answer leads.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> Answer {
        let to = answer.header("location").expect("a redirect").to_owned();
        self.get(&to).await
    }

    /// Sends whatever it is told and keeps the cookies of the answer.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut lines = vec![
            format!("{method} {path} HTTP/1.1"),
            format!("Host: {}", self.address),
            "Connection: close".to_owned(),
            format!("Content-Length: {}", body.len()),
        ];
        if !cookies.is_empty() {
            lines.push(format!("Cookie: {}", cookies.join("; ")));
        }
        lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
        let request = format!("{}\r\n\r\n{body}", lines.join("\r\n"));
        let answer = Answer::parse(&self.exchange(request.as_bytes()).await);
        self.keep_cookies(&answer);
        answer
    }

    /// Sends bytes and returns all bytes of the answer.
    pub(crate) async fn exchange(&self, request: &[u8]) -> String {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((self.from, 0).into()).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for line in answer.all("set-cookie") {
            let (pair, attributes) = line.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("not an answer: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap_or((line.trim_end_matches(':'), "")))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        Self { status, headers, body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("no redirect: {} {}", self.status, self.body))
    }

    /// The token in the first form of the page.
    pub(crate) fn form_token(&self) -> Option<String> {
        let (_, rest) = self.body.split_once("name=\"csrf_token\" value=\"")?;
        Some(rest.split('"').next()?.to_owned())
    }

    pub(crate) fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{:#?}", self.headers);
        self
    }

    pub(crate) fn assert_leads_to(&self, path: &str) -> &Self {
        assert_eq!((self.status, self.location()), (303, path));
        self
    }

    pub(crate) fn assert_says(&self, words: &str) -> &Self {
        assert!(self.body.contains(words), "{words:?} is not in {}", self.body);
        self
    }
}
