//! What stands in a key file: a line `keapsake-key-1 ` and 32 bytes in Base64 (URL-safe, unpadded); while the key is
//! replaced a second one, with the key before it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::store::seal::SealingKey;

const PREFIX: &str = "keapsake-key-1 ";

pub(super) fn lines(key: &SealingKey) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * (PREFIX.len() + 44)));
    for key in key.candidates() {
        let key = Zeroizing::new(URL_SAFE_NO_PAD.encode(key.expose()));
        text.extend([PREFIX, &key, "\n"]);
    }
    text
}

pub(super) fn parse(text: &[u8]) -> Option<SealingKey> {
    let text = std::str::from_utf8(text).ok()?;
    let mut keys = text.trim_end().lines().map(parse_line);
    let newest = keys.next()??;
    let predecessor = keys.next();
    match (predecessor, keys.next()) {
        (None, None) => Some(newest),
        (Some(predecessor), None) => Some(newest.replacing(&predecessor?)),
        _ => None,
    }
}

fn parse_line(line: &str) -> Option<SealingKey> {
    let key = Zeroizing::new(URL_SAFE_NO_PAD.decode(line.strip_prefix(PREFIX)?.trim()).ok()?);
    key.as_slice().try_into().map(SealingKey::from_bytes).ok()
}
