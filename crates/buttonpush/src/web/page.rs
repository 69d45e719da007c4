//! What all pages share.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::assets;
use super::caller::Caller;
use super::errors::Fault;
use super::forgery::TOKEN_FIELD;
use super::form::Field;
use crate::accounts::Role;

/// The frame around a page.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) title: &'static str,
    pub(super) visitor: Visitor,
    pub(super) token: String,
    pub(super) token_field: &'static str,
    pub(super) stylesheet: &'static str,
    pub(super) icon: &'static str,
}

/// Whom the navigation is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Visitor {
    /// Somebody of whom nothing is known, on a page about an error.
    Unknown,
    Anonymous,
    Person {
        name: String,
    },
    Administrator {
        name: String,
    },
}

impl Layout {
    /// The frame for whoever calls.
    pub(super) fn of(caller: &Caller, title: &'static str) -> Self {
        let visitor = match caller.session().map(|session| &session.user) {
            None => Visitor::Anonymous,
            Some(user) if user.role == Role::Administrator => {
                Visitor::Administrator { name: user.name.clone() }
            }
            Some(user) => Visitor::Person { name: user.name.clone() },
        };
        Self::new(title, visitor, caller.form_token().reveal().to_owned())
    }

    /// The frame for a page that knows nobody.
    pub(super) fn bare(title: &'static str) -> Self {
        Self::new(title, Visitor::Unknown, String::new())
    }

    fn new(title: &'static str, visitor: Visitor, token: String) -> Self {
        let (stylesheet, icon) = (assets::stylesheet_path(), assets::icon_path());
        Self { title, visitor, token, token_field: TOKEN_FIELD, stylesheet, icon }
    }
}

/// A page with a form of several fields.
#[derive(Template)]
#[template(path = "form.html")]
pub(super) struct FormPage {
    pub(super) layout: Layout,
    pub(super) heading: &'static str,
    pub(super) lead: &'static str,
    /// Said above the form, in a box.
    pub(super) notice: Option<&'static str>,
    /// What is wrong with the form as a whole.
    pub(super) problem: Option<&'static str>,
    pub(super) action: &'static str,
    pub(super) fields: Vec<Field>,
    /// Where to go afterwards.
    pub(super) next: Option<String>,
    pub(super) submit: &'static str,
    /// Another way, below the form: a question, where it leads, and what the link says.
    pub(super) otherwise: Option<(&'static str, &'static str, &'static str)>,
}

impl FormPage {
    /// The form as it is first shown, or with status 422 when something about it was wrong.
    pub(super) fn respond(&self) -> Result<Response, Fault> {
        let wrong = self.problem.is_some() || self.has_wrong_fields();
        render(if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, self)
    }

    fn has_wrong_fields(&self) -> bool {
        self.fields.iter().any(|field| field.error.is_some())
    }
}

/// Renders a page.
pub(super) fn render(status: StatusCode, page: &impl Template) -> Result<Response, Fault> {
    let html = page.render().map_err(|error| Fault::Internal(error.into()))?;
    Ok((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}
