//! The contact's id lands on the user's row, in the transaction that ends the delivery.

use futures_util::future::BoxFuture;
use keapsake::client::ContactId;
use keapsake::delivery::OnDelivered;
use keapsake::store::StoreError;
use sqlx::SqliteConnection;

use crate::accounts::{UserId, users};

pub(super) struct Linking;

impl OnDelivered for Linking {
    fn contact_linked<'a>(
        &'a self,
        tx: &'a mut SqliteConnection,
        person: &'a str,
        contact: &'a ContactId,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let user = UserId::from(person.to_owned());
            users::link_contact(tx, &user, contact.as_str())
                .await
                .map_err(|error| StoreError::new(format!("the contact's id was not written: {error}")))
        })
    }
}
