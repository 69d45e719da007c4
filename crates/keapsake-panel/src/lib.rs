//! keapsake-panel
