//! The Keap account and the user who authorized.

use http::Method;
use serde::Deserialize;

use super::Keap;
use crate::error::Error;

/// Operations on the account. Made by [`Keap::account`].
#[derive(Clone, Copy)]
pub struct Account<'a>(&'a Keap);

/// The business behind an account, as far as Keap tells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct BusinessProfile {
    /// The company's name.
    pub name: Option<String>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Its time zone, in Keap's words.
    pub time_zone: Option<String>,
}

/// The Keap user on whose behalf calls are made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct UserInfo {
    /// The user's e-mail address.
    pub email: Option<String>,
    /// The user's id within the account.
    pub id: Option<String>,
    /// Whether the user is an administrator of the account.
    pub is_admin: Option<bool>,
    /// The account.
    pub tenant_id: Option<String>,
}

impl Keap {
    /// The account this connection belongs to.
    pub fn account(&self) -> Account<'_> {
        Account(self)
    }
}

impl Account<'_> {
    /// `GET /rest/v2/businessProfile`
    ///
    /// # Errors
    /// As any call.
    pub async fn business_profile(&self) -> Result<BusinessProfile, Error> {
        self.0.call(Method::GET, "/rest/v2/businessProfile").send_json("business profile").await
    }

    /// `GET /rest/v2/oauth/connect/userinfo`: the cheapest check that calls work; it needs no permission.
    ///
    /// # Errors
    /// As any call.
    pub async fn user_info(&self) -> Result<UserInfo, Error> {
        self.0.call(Method::GET, "/rest/v2/oauth/connect/userinfo").send_json("user").await
    }
}
