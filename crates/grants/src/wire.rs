//! Protocol Buffers (proto2), as much of it as tokens take, in one encoding only: fields in the order of their
//! numbers, none that is not known, numbers in as few bytes as they fit. That is how every library for Biscuits
//! writes them, so that the same token has one spelling only.

/// The bytes are not the message that they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A number, in as many bytes as it takes.
const VARINT: u8 = 0;
/// Bytes, with their length in front.
const BYTES: u8 = 2;

/// The fields of a message that are not read yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of a message.
    pub(crate) const fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The number of a field, if that is the next field. `field` is 1..=15.
    pub(crate) fn number(&mut self, field: u8) -> Result<Option<u64>, Malformed> {
        if self.skip_tag(field, VARINT) { self.varint().map(Some) } else { Ok(None) }
    }

    /// The bytes of a field, if that is the next field. `field` is 1..=15.
    pub(crate) fn bytes(&mut self, field: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if !self.skip_tag(field, BYTES) {
            return Ok(None);
        }
        let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(Some(bytes))
    }

    /// The text of a field, if that is the next field.
    pub(crate) fn text(&mut self, field: u8) -> Result<Option<&'a str>, Malformed> {
        let bytes = self.bytes(field)?;
        bytes.map(|bytes| std::str::from_utf8(bytes).map_err(|_| Malformed)).transpose()
    }

    /// The fields of a message within, if that is the next field.
    pub(crate) fn message(&mut self, field: u8) -> Result<Option<Self>, Malformed> {
        Ok(self.bytes(field)?.map(Self::new))
    }

    /// The only field, which is a message.
    pub(crate) fn only(mut self, field: u8) -> Result<Self, Malformed> {
        let message = self.message(field)?.ok_or(Malformed)?;
        self.end()?;
        Ok(message)
    }

    /// Whether all fields were read: what is left is unknown, stands twice or in the wrong place.
    pub(crate) const fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    fn skip_tag(&mut self, field: u8, kind: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == field << 3 | kind => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(Malformed)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << shift;
            if shifted >> shift != bits {
                return Err(Malformed);
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                return if bits == 0 && shift > 0 { Err(Malformed) } else { Ok(value) };
            }
        }
        Err(Malformed)
    }
}

/// A message that is being written. Whoever writes keeps the fields in order.
#[derive(Debug, Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    /// Adds a number.
    pub(crate) fn number(mut self, field: u8, value: u64) -> Self {
        self.0.push(field << 3 | VARINT);
        self.varint(value);
        self
    }

    /// Adds bytes.
    pub(crate) fn bytes(mut self, field: u8, bytes: &[u8]) -> Self {
        self.0.push(field << 3 | BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds a message.
    pub(crate) fn message(self, field: u8, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    /// The message.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(bytes: &[u8]) -> Result<Option<u64>, Malformed> {
        let mut fields = Fields::new(bytes);
        let number = fields.number(1)?;
        fields.end()?;
        Ok(number)
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(number(&[8, 0]), Ok(Some(0)));
        assert_eq!(number(&[8, 0x80, 1]), Ok(Some(128)));
        let most = [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(number(&most), Ok(Some(u64::MAX)));
        for wrong in [
            &[8][..],
            &[8, 0x80],
            &[8, 0x80, 0],
            &[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
            &[8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
        ] {
            assert_eq!(number(wrong), Err(Malformed), "{wrong:?}");
        }
    }

    #[test]
    fn fields_stand_once_and_in_order() {
        let message = Message::default().number(1, 7).bytes(2, b"x").into_bytes();
        let mut fields = Fields::new(&message);
        assert_eq!(fields.bytes(2), Ok(None));
        assert_eq!(fields.number(1), Ok(Some(7)));
        assert_eq!(fields.text(2), Ok(Some("x")));
        assert_eq!(fields.end(), Ok(()));
        let twice = Message::default().number(1, 7).number(1, 7).into_bytes();
        assert_eq!(number(&twice), Err(Malformed));
        assert_eq!(number(&Message::default().number(2, 7).into_bytes()), Err(Malformed));
        assert_eq!(Fields::new(&[0x12, 2, b'x']).bytes(2).unwrap_err(), Malformed);
        assert_eq!(Fields::new(&[0x12, 1, 0xff]).text(2).unwrap_err(), Malformed);
    }

    proptest! {
        #[test]
        fn reads_what_was_written(value in any::<u64>(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let message = Message::default().number(3, value).bytes(15, &bytes).into_bytes();
            let mut fields = Fields::new(&message);
            prop_assert_eq!(fields.number(3), Ok(Some(value)));
            prop_assert_eq!(fields.bytes(15), Ok(Some(bytes.as_slice())));
            prop_assert_eq!(fields.end(), Ok(()));
        }
    }
}
