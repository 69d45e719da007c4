//! keap-sandbox
