//! One request of a browser, and the answer it gets.

use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};

use crate::page::Page;
use crate::world::{CSRF, MOUNT, SESSION};

#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) method: Method,
    pub(crate) path: String,
    is_admin: bool,
    cookie: Option<String>,
    fields: Vec<(String, String)>,
    headers: Vec<(&'static str, String)>,
}

pub(crate) fn get(path: &str) -> Visit {
    visit(Method::GET, path)
}

/// With the token of the session's forms.
pub(crate) fn post(path: &str) -> Visit {
    visit(Method::POST, path).field("csrf_token", CSRF)
}

/// An administrator's.
pub(crate) fn visit(method: Method, path: &str) -> Visit {
    Visit {
        method,
        path: path.to_owned(),
        is_admin: true,
        cookie: None,
        fields: Vec::new(),
        headers: Vec::new(),
    }
}

impl Visit {
    pub(crate) fn by_stranger(self) -> Self {
        Self { is_admin: false, ..self }
    }

    pub(crate) fn cookie(self, cookie: impl Into<String>) -> Self {
        Self { cookie: Some(cookie.into()), ..self }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn request(&self) -> Request<Body> {
        let mut request = Request::builder().method(&self.method).uri(format!("{MOUNT}{}", self.path));
        if self.is_admin {
            request = request.header("x-session", SESSION);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if self.method != Method::POST {
            return request.body(Body::empty()).unwrap();
        }
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.fields).finish();
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(Body::from(form)).unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct Answer {
    /// What was asked for.
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").expect("a redirect")
    }

    pub(crate) fn set_cookie(&self) -> Option<&str> {
        self.header("set-cookie")
    }

    pub(crate) fn page(&self) -> Page {
        Page::read(&self.body)
    }

    pub(crate) fn is_page(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) && !self.body.is_empty()
    }

    /// What has to be so of every answer.
    pub(crate) fn assert_sound(&self) {
        let what = format!("{} {}", self.method, self.path);
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"), "{what}");
        let referrer = self.header("referrer-policy").expect(&what);
        let expected = if self.path.starts_with("/callback") && self.status != StatusCode::METHOD_NOT_ALLOWED
        {
            "no-referrer"
        } else {
            "same-origin"
        };
        assert_eq!(referrer, expected, "{what}");
        let is_stylesheet = self.header("content-type").is_some_and(|kind| kind.starts_with("text/css"));
        if !is_stylesheet {
            assert_eq!(self.header("cache-control"), Some("no-store"), "{what}");
        }
        if self.is_page() {
            let _ = self.page();
        }
    }
}
