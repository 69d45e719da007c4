//! What no text from a person may contain, because it would deceive whoever reads it later.

use unicode_normalization::UnicodeNormalization as _;

/// The composed form, so that the same text is the same bytes.
pub(super) fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// Whether the text has control characters, or characters that reorder or hide its neighbours.
///
/// The joiners U+200C and U+200D stay allowed: Persian and several Indian scripts need them.
pub(super) fn is_deceptive(text: &str) -> bool {
    text.chars().any(|c| c.is_control() || is_invisible(c))
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        // Bidirectional marks, embeddings, overrides and isolates.
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        // Line and paragraph separators.
        | '\u{2028}' | '\u{2029}'
        // Without width: space, word joiner and invisible operators, byte order mark, soft hyphen, fillers.
        | '\u{200B}' | '\u{2060}'..='\u{2065}' | '\u{FEFF}' | '\u{00AD}' | '\u{115F}' | '\u{1160}' | '\u{3164}'
        // Deprecated formatting, interlinear annotations, tags.
        | '\u{206A}'..='\u{206F}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'
    )
}
