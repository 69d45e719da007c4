//! keapsake
