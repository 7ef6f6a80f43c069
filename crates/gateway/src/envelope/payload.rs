//! Which strings are the bytes of an image, sound or file.

use bartizan_core::settings::Modality;

/// What a base64 data URL holds.
pub(super) fn data_url(text: &str) -> Option<Modality> {
    let (head, _) = text.strip_prefix("data:")?.split_once(',')?;
    let kind = head.strip_suffix(";base64")?;
    Some(match kind.split('/').next() {
        Some("image") => Modality::Image,
        Some("audio") => Modality::Audio,
        _ => Modality::File,
    })
}

/// Whether the head of a data URL is a media type and says that base64 follows. What is more than that
/// is text.
fn is_media_type(head: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/+.-;=".contains(&byte);
    head.ends_with(";base64") && head.bytes().all(plain)
}

/// Whether a string is the bytes of an image, sound or file: a base64 data URL, or base64.
pub(super) fn is_payload(text: &str) -> bool {
    /// Strings up to this length are read even if they look encoded.
    const SHORT: usize = 256;
    /// Longest media type with parameters.
    const HEAD_BYTES: usize = 128;
    let encoded = match text.strip_prefix("data:").and_then(|rest| rest.split_once(',')) {
        Some((head, data)) if head.len() <= HEAD_BYTES && is_media_type(head) => data,
        None if text.len() > SHORT => text,
        _ => return false,
    };
    let data = encoded.trim_end_matches('=');
    data.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte))
}
