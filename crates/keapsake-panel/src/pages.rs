//! The pages, one operation a file.

pub(crate) mod adopt;
pub(crate) mod callback;
pub(crate) mod connect;
pub(crate) mod deliveries;
pub(crate) mod disconnect;
pub(crate) mod overview;
pub(crate) mod refresh;
pub(crate) mod returned;
pub(crate) mod status;
