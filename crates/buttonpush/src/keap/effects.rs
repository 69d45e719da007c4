//! What becomes true in Keap when something happens in ButtonPush.

use keapsake::delivery::{Effect, NewContact, NewTag};

use crate::accounts::{NewUser, UserId};

/// The tag of those who pressed.
pub(super) const TAG: &str = "buttonpushed";

/// A sign-up becomes a contact.
///
/// ButtonPush has one text for a name, Keap has two. What stands before the first space is what a newsletter greets
/// with, so it becomes the first name.
pub(super) fn signed_up(user: &NewUser) -> Effect {
    let name = user.name.as_str();
    let (given_name, family_name) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
    let contact = NewContact {
        email: user.email.as_str().to_owned(),
        given_name: given_name.to_owned(),
        family_name: family_name.trim().to_owned(),
    };
    Effect::contact(user.id.as_str(), contact)
}

/// The first press becomes a tag.
pub(super) fn first_press(user: &UserId) -> Effect {
    let tag = NewTag { name: TAG.to_owned(), description: "Pressed the button in ButtonPush".to_owned() };
    Effect::tag(user.as_str(), tag)
}
