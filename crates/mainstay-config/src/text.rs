//! The text of a file that somebody wrote by hand.

use std::fmt;

/// What Windows editors put before UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Why bytes are no text that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotText {
    /// They begin with the mark of UTF-16.
    Utf16,
    /// They hold a byte that UTF-8 does not have there.
    NotUtf8 {
        /// Line of the byte, from 1.
        line: usize,
        /// Its place within the line in characters, from 1.
        column: usize,
        /// The byte.
        byte: u8,
    },
}

/// Bytes as text; the mark that some editors put before UTF-8 is left out.
///
/// # Errors
/// [`NotText`], with the place of the first byte that is not UTF-8.
pub fn decode(bytes: Vec<u8>) -> Result<String, NotText> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(NotText::Utf16);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let (before, rest) = error.as_bytes().split_at(valid);
        let before = String::from_utf8_lossy(before);
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        NotText::NotUtf8 {
            line: before.matches('\n').count() + 1,
            column: last_line.chars().count() + 1,
            byte: rest.first().copied().unwrap_or_default(),
        }
    })?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned).unwrap_or(text))
}

impl NotText {
    /// The line and column of the first byte that is not UTF-8, from 1.
    pub fn place(self) -> Option<(usize, usize)> {
        match self {
            Self::Utf16 => None,
            Self::NotUtf8 { line, column, .. } => Some((line, column)),
        }
    }
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf16 => write!(f, "is written in UTF-16: save it as UTF-8"),
            Self::NotUtf8 { byte, .. } => write!(
                f,
                "is not written in UTF-8: the byte 0x{byte:02X} belongs to another encoding, such as Latin-1 or Windows-1252; save it as \
                 UTF-8"
            ),
        }
    }
}

impl std::error::Error for NotText {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_before_the_text_is_no_part_of_it() {
        assert_eq!(decode(b"\xef\xbb\xbfname: shop\n".to_vec()).unwrap(), "name: shop\n");
        assert_eq!(decode("größe\n".into()).unwrap(), "größe\n");
    }

    #[test]
    fn other_encodings_are_named_with_their_place() {
        let error = decode(b"name: a\ndescription: f\xc3\xbcr M\xfcller\n".to_vec()).unwrap_err();
        assert_eq!(error, NotText::NotUtf8 { line: 2, column: 19, byte: 0xfc });
        let expected = "is not written in UTF-8: the byte 0xFC belongs to another encoding, such as Latin-1 or Windows-1252; save it \
                        as UTF-8";
        assert_eq!(error.to_string(), expected);
        let utf16 = decode(b"\xff\xfen\0a\0".to_vec()).unwrap_err();
        assert_eq!((utf16.place(), utf16.to_string()), (None, "is written in UTF-16: save it as UTF-8".to_owned()));
    }
}
