//! As much HTTP/1.1 as a load generator needs: where a head ends, where a body ends, and where
//! the first content is.

/// Position of the first occurrence.
pub(crate) fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    let first = word.first()?;
    let mut from = 0;
    // Skipping by the first byte compiles to a vector search, which `windows` does not.
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| byte == first) {
        if bytes.get(from + at..)?.starts_with(word) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// Value of a header, by its name in lower case.
fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let (key, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        key.eq_ignore_ascii_case(name.as_bytes()).then(|| value.trim_ascii())
    })
}

/// `Content-Length` of a message head.
pub(crate) fn content_length(head: &[u8]) -> Option<usize> {
    std::str::from_utf8(header(head, "content-length")?).ok()?.parse().ok()
}

/// Status code of a response head.
pub(super) fn status(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}

/// Whether the connection ends after this message.
pub(super) fn closes(head: &[u8]) -> bool {
    header(head, "connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"))
}

/// How the end of a body is known.
#[derive(Debug)]
pub(super) enum Framing {
    /// So many bytes are left.
    Length(usize),
    /// Chunks, read so far to this state.
    Chunked(Chunk),
    /// Until the connection ends.
    Close,
}

/// State inside a chunked body.
#[derive(Debug)]
pub(super) enum Chunk {
    /// Before or inside the line with the size.
    Size,
    /// So many bytes of data and its line end are left.
    Data(usize),
    /// In the lines after the last chunk.
    Trailer,
}

/// What one step over received bytes gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The body is over.
    Done,
    /// More bytes are needed.
    More,
    /// This is no HTTP.
    Broken,
}

impl Framing {
    /// Framing that a response head announces.
    pub(super) fn of(head: &[u8]) -> Self {
        if header(head, "transfer-encoding")
            .is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked"))
        {
            Self::Chunked(Chunk::Size)
        } else {
            content_length(head).map_or(Self::Close, Self::Length)
        }
    }

    /// Consumes bytes from `buffer`, hands body bytes to `each`, and says whether the body ended.
    pub(super) fn advance(&mut self, buffer: &mut Vec<u8>, mut each: impl FnMut(&[u8])) -> Step {
        let mut used = 0;
        let step = loop {
            let rest = buffer.get(used..).unwrap_or_default();
            match self {
                Self::Close => {
                    each(rest);
                    used = buffer.len();
                    break Step::More;
                }
                Self::Length(left) => {
                    let now = (*left).min(rest.len());
                    each(rest.get(..now).unwrap_or_default());
                    used += now;
                    *left -= now;
                    break if *left == 0 { Step::Done } else { Step::More };
                }
                Self::Chunked(Chunk::Size) => {
                    let Some(end) = find(rest, b"\r\n") else { break Step::More };
                    let Some(size) = rest.get(..end).and_then(chunk_size) else {
                        break Step::Broken;
                    };
                    used += end + 2;
                    *self = Self::Chunked(if size == 0 {
                        Chunk::Trailer
                    } else {
                        Chunk::Data(size + 2)
                    });
                }
                Self::Chunked(Chunk::Data(left)) => {
                    let now = (*left).min(rest.len());
                    let data = left.saturating_sub(2).min(now);
                    each(rest.get(..data).unwrap_or_default());
                    used += now;
                    *left -= now;
                    if *left > 0 {
                        break Step::More;
                    }
                    *self = Self::Chunked(Chunk::Size);
                }
                Self::Chunked(Chunk::Trailer) => {
                    let Some(end) = find(rest, b"\r\n") else { break Step::More };
                    used += end + 2;
                    if end == 0 {
                        break Step::Done;
                    }
                }
            }
        };
        buffer.drain(..used);
        step
    }
}

fn chunk_size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (size < usize::MAX - 2).then_some(size)
}

/// Whether a body has a first piece of content: a text field of any API's stream that is not empty.
pub(super) fn has_content(body: &[u8]) -> bool {
    [b"\"content\":\"".as_slice(), b"\"text\":\"", b"\"delta\":\"", b"\"arguments\":\""].iter().any(
        |word| {
            let mut from = 0;
            while let Some(at) = body.get(from..).and_then(|rest| find(rest, word)) {
                from += at + word.len();
                if body.get(from).is_some_and(|byte| *byte != b'"') {
                    return true;
                }
            }
            false
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(head: &str, body: &[u8], step: usize) -> Option<Vec<u8>> {
        let mut framing = Framing::of(head.as_bytes());
        let (mut buffer, mut out) = (Vec::new(), Vec::new());
        for piece in body.chunks(step.max(1)) {
            buffer.extend_from_slice(piece);
            match framing.advance(&mut buffer, |bytes| out.extend_from_slice(bytes)) {
                Step::Done => return Some(out),
                Step::More => {}
                Step::Broken => return None,
            }
        }
        None
    }

    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    #[test]
    fn reads_headers_in_any_case() {
        let head = b"HTTP/1.1 404 Not Found\r\nContent-LENGTH:  12 \r\nConnection: Close\r\n\r\n";
        assert_eq!(content_length(head), Some(12));
        assert_eq!(status(head), Some(404));
        assert!(closes(head));
        assert!(!closes(CHUNKED.as_bytes()));
    }

    #[test]
    fn refuses_a_size_that_is_no_number() {
        assert_eq!(read(CHUNKED, b"zz\r\nabc\r\n0\r\n\r\n", 100), None);
    }

    proptest! {
        #[test]
        fn any_delivery_gives_the_same_body(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..5),
            step in 1usize..30,
        ) {
            let mut wire = Vec::new();
            for part in &parts {
                wire.extend_from_slice(format!("{:X};x=1\r\n", part.len()).as_bytes());
                wire.extend_from_slice(part);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\nx-trailer: 1\r\n\r\n");
            prop_assert_eq!(read(CHUNKED, &wire, step), Some(parts.concat()));
        }

        #[test]
        fn finds_what_a_plain_search_finds(
            hay in prop::collection::vec(0u8..3, 0..40),
            word in prop::collection::vec(0u8..3, 1..4),
        ) {
            let plain = hay.windows(word.len()).position(|window| window == word);
            prop_assert_eq!(find(&hay, &word), plain);
        }
    }

    #[test]
    fn content_is_the_first_text_that_is_not_empty() {
        assert!(!has_content(b"{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}"));
        assert!(has_content(b"{\"content\":\"\"}{\"content\":\"H\"}"));
        assert!(has_content(b"{\"type\":\"text_delta\",\"text\":\"H\"}"));
    }
}
