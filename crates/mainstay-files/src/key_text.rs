//! Keys as people write them: what stands unseen around them, how they are shown, and how they are compared without regard to letters.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// What stands unseen around a key, as a regular expression: blanks, tabs, line ends, and characters that control, format or are none.
/// It is the one rule, in SQL (`regexp_replace(key, ..., '', 'g')`) and in [`trimmed`].
pub const MARKS_AROUND: &str = r"^[\s\p{C}]+|[\s\p{C}]+$";

static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(MARKS_AROUND).ok());

/// A key without what stands around it unseen.
pub fn trimmed(key: &str) -> &str {
    let is_seen = |character: u8| character.is_ascii_graphic();
    if key.bytes().next().is_none_or(is_seen) && key.bytes().next_back().is_none_or(is_seen) {
        return key;
    }
    // The pattern is sound, as a test holds.
    let Some(marks) = MARKS.as_ref() else { return key.trim() };
    let (mut start, mut end) = (0, key.len());
    for mark in marks.find_iter(key) {
        if mark.start() == 0 {
            start = mark.end();
        } else {
            end = mark.start();
        }
    }
    key.get(start..end).unwrap_or_default()
}

/// A trimmed key in small letters.
pub fn in_small_letters(key: &str) -> Cow<'_, str> {
    let key = trimmed(key);
    let is_small = key.bytes().all(|character| character.is_ascii() && !character.is_ascii_uppercase());
    if is_small { Cow::Borrowed(key) } else { Cow::Owned(key.to_lowercase()) }
}

/// A key in quotes, with what is not seen written out. Where somebody writes e-mail addresses in the place of keys, they stay unsaid.
pub fn shown(key: &str) -> String {
    if key.contains('@') { "an e-mail address".to_owned() } else { format!("`{}`", key.escape_debug()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_around_a_key_are_left_out() {
        assert!(MARKS.is_some(), "the pattern is a regular expression");
        // Blanks of all widths, line ends, and marks of no width, of direction and of the order of bytes.
        for mark in [" ", "\t", "\n", "\r\n", "\0", "\u{7f}", "\u{85}", "\u{a0}", "\u{ad}", "\u{200b}", "\u{200e}"] {
            for key in [format!("K1{mark}"), format!("{mark}K1"), format!("{mark}{mark}K1 {mark}")] {
                assert_eq!(trimmed(&key), "K1", "{key:?}");
            }
        }
        for mark in ["\u{2028}", "\u{2060}", "\u{202e}", "\u{3000}", "\u{feff}", "\u{e000}", "\u{e0001}"] {
            assert_eq!(trimmed(&format!("{mark}é 1ß{mark}")), "é 1ß", "{mark:?}");
        }
    }

    #[test]
    fn what_is_seen_and_what_stands_within_stays() {
        for key in ["", "K1", "K 1", "K\u{200b}1", "ключ", "-1", "é", "K1\u{301}", "`K1`"] {
            assert_eq!(trimmed(key), key);
        }
        for nothing in [" ", "\t\u{200b} ", "\u{feff}"] {
            assert_eq!(trimmed(nothing), "");
        }
    }

    #[test]
    fn letters_alone_make_no_difference() {
        assert_eq!(in_small_letters("K00010"), in_small_letters("\tk00010 "));
        assert_eq!(in_small_letters("ÉTÉ"), "été");
        assert_ne!(in_small_letters("k10"), in_small_letters("k010"));
    }

    #[test]
    fn what_is_not_seen_is_written_out_and_nobody_is_named() {
        assert_eq!(shown("K1\t"), r"`K1\t`");
        assert_eq!(shown("K1\u{a0}\u{200b}"), r"`K1\u{a0}\u{200b}`");
        assert_eq!(shown("a@b.example "), "an e-mail address");
    }
}
