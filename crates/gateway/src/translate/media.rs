//! Images and files: one string in chat completions, a source object in messages.

/// The media type and the encoded bytes of a `data:` URL with base64 and no parameters.
pub(super) fn split_data_url(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let (head, data) = rest.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    let is_plain = scheme.eq_ignore_ascii_case("data")
        && media_type.contains('/')
        && !media_type.contains(';');
    is_plain.then_some((media_type, data))
}

/// The reverse of [`split_data_url`].
pub(super) fn data_url(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{data}")
}

/// Whether a URL names something on the web.
pub(super) fn is_web(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_data_urls() {
        assert_eq!(split_data_url("data:image/png;base64,iVBO"), Some(("image/png", "iVBO")));
        assert_eq!(split_data_url("DATA:a/b;base64,"), Some(("a/b", "")));
        for other in
            ["", "data:", "data:,x", "data:image/png,x", "data:;base64,x", "data:a/b;c=d;base64,x"]
        {
            assert_eq!(split_data_url(other), None, "{other}");
        }
    }

    #[test]
    fn only_http_is_the_web() {
        assert!(is_web("HTTPS://example.com/a.png"));
        for other in
            ["", "file:///etc/passwd", "//example.com", "https:example.com", "s3://bucket/key"]
        {
            assert!(!is_web(other), "{other}");
        }
    }
}
