//! buttonpush
