//! `/sign-up`: making an account.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::caller::Caller;
use super::errors::Fault;
use super::form::{Field, Fields};
use super::page::{FormPage, Layout};
use super::visitor::VisitorNetwork;
use crate::accounts::sign_up::{SignUp, SignUpError};
use crate::accounts::{Email, Password, PersonName, Wait};
use crate::app::App;

/// Where every sign-up leads, whether or not the address had an account.
const AFTERWARDS: &str = "/log-in?welcome";

/// Shows the empty form.
pub(super) async fn show(caller: Caller) -> Result<Response, Fault> {
    if caller.session().is_some() {
        return Ok(Redirect::to("/button").into_response());
    }
    page(&caller, SignUpForm::default().fields()).respond()
}

/// Makes the account and leads to the log-in page; or shows what is wrong with the form.
pub(super) async fn submit(
    State(app): State<App>,
    VisitorNetwork(network): VisitorNetwork,
    caller: Caller,
    fields: Fields,
) -> Result<Response, Fault> {
    match SignUpForm::read(fields) {
        Ok(sign_up) => {
            app.accounts.sign_up(sign_up, network).await.map_err(fault)?;
            Ok(Redirect::to(AFTERWARDS).into_response())
        }
        Err(form) => page(&caller, form.fields()).respond(),
    }
}

fn page(caller: &Caller, fields: Vec<Field>) -> FormPage {
    FormPage {
        layout: Layout::of(caller, "Sign up"),
        heading: "Sign up",
        lead: "It takes half a minute. Then the button is yours.",
        notice: None,
        problem: None,
        action: "/sign-up",
        fields,
        next: None,
        submit: "Sign up",
        otherwise: Some(("Already signed up?", "/log-in", "Log in")),
    }
}

/// A sign-up form that is empty or was not accepted; the first administrator's is the same.
#[derive(Debug, Default)]
pub(super) struct SignUpForm {
    name: String,
    email: String,
    name_error: Option<String>,
    email_error: Option<String>,
    password_error: Option<String>,
}

impl SignUpForm {
    /// A complete sign-up, or the form with everything that is wrong about it.
    pub(super) fn read(mut fields: Fields) -> Result<SignUp, Self> {
        let (name, email, password) = (fields.take("name"), fields.take("email"), fields.take("password"));
        let parsed_name = PersonName::parse(&name);
        let parsed_email = Email::parse(&email);
        let name_error = parsed_name.as_ref().err().map(ToString::to_string);
        let email_error = parsed_email.as_ref().err().map(ToString::to_string);
        let (Ok(parsed_name), Ok(parsed_email)) = (parsed_name, parsed_email) else {
            let password_error = Password::check_length(&password).err().map(|error| error.to_string());
            return Err(Self { name, email, name_error, email_error, password_error });
        };
        match Password::parse(password, &parsed_name, &parsed_email) {
            Ok(password) => Ok(SignUp { name: parsed_name, email: parsed_email, password }),
            Err(error) => {
                Err(Self { name, email, password_error: Some(error.to_string()), ..Self::default() })
            }
        }
    }

    /// The same form for an address that cannot be used.
    pub(super) fn with_email_error(name: &str, email: &str, error: &str) -> Self {
        Self {
            name: name.to_owned(),
            email: email.to_owned(),
            email_error: Some(error.to_owned()),
            ..Self::default()
        }
    }

    pub(super) fn fields(self) -> Vec<Field> {
        vec![
            Field::name(&self.name).with_error(self.name_error),
            Field::email(&self.email).with_error(self.email_error),
            Field::new_password().with_error(self.password_error),
        ]
    }
}

/// How a sign-up that was not taken is told.
pub(super) fn fault(error: SignUpError) -> Fault {
    match error {
        SignUpError::TooMany(Wait(wait)) => Fault::TooManyAttempts(wait),
        SignUpError::Busy(_) => Fault::Busy,
        SignUpError::Internal(error) => Fault::from(error),
    }
}
