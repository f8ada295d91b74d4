//! What a text looks like, by its letters alone.

/// Texts that stand for a missing value, in small letters.
const STANDS_FOR_NOTHING: [&str; 14] =
    ["n/a", "na", "#n/a", "nan", "null", "none", "nil", "-", "--", "?", "unknown", "undefined", "tbd", "missing"];

/// How many texts of a column have each sign.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TextSigns {
    /// Nothing but blanks.
    pub(crate) blank: u64,
    /// Blanks before or after something.
    pub(crate) padded: u64,
    /// A number.
    pub(crate) numbers: u64,
    /// A date or a time.
    pub(crate) dates: u64,
    /// An e-mail address.
    pub(crate) addresses: u64,
    /// A word for a missing value.
    pub(crate) sentinels: u64,
}

impl TextSigns {
    pub(crate) fn add(&mut self, text: &str) {
        let trimmed = text.trim();
        self.blank += u64::from(trimmed.is_empty());
        self.padded += u64::from(trimmed.len() != text.len() && !trimmed.is_empty());
        self.numbers += u64::from(is_number(trimmed));
        self.dates += u64::from(is_date(trimmed));
        self.addresses += u64::from(is_address(trimmed));
        self.sentinels += u64::from(STANDS_FOR_NOTHING.iter().any(|word| trimmed.eq_ignore_ascii_case(word)));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.blank += other.blank;
        self.padded += other.padded;
        self.numbers += other.numbers;
        self.dates += other.dates;
        self.addresses += other.addresses;
        self.sentinels += other.sentinels;
    }
}

/// Digits with at most one point or comma, a sign before them: not `nan`, not `1e5`, and not `007`, which is a code.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, rest) = unsigned.split_at(unsigned.find(['.', ',']).unwrap_or(unsigned.len()));
    let is_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_code = whole.len() > 1 && whole.starts_with('0');
    is_digits(whole) && !is_code && (rest.is_empty() || is_digits(&rest[1..]))
}

/// `2025-01-31`, `31.01.2025`, `1/31/2025`, with or without a time behind it.
fn is_date(text: &str) -> bool {
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    let Some(separator) = day.chars().find(|sign| !sign.is_ascii_digit()) else { return false };
    if !matches!(separator, '-' | '.' | '/') {
        return false;
    }
    let parts: Vec<&str> = day.split(separator).collect();
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let short = |part: &str| matches!(part.len(), 1 | 2) && is_digits(part);
    let year = |part: &str| part.len() == 4 && is_digits(part);
    match parts.as_slice() {
        [first, middle, last] => {
            (year(first) && short(middle) && short(last)) || (short(first) && short(middle) && year(last))
        }
        _ => false,
    }
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !text.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_distinguished_from_codes_and_words() {
        for number in ["0", "12", "-3.5", "+7", "1,25", "0.5"] {
            assert!(is_number(number), "{number}");
        }
        for other in ["", "-", "007", "1e5", "nan", "1.2.3", "12 EUR", ".5", "1."] {
            assert!(!is_number(other), "{other}");
        }
    }

    #[test]
    fn dates_are_distinguished_from_numbers_and_ranges() {
        for date in ["2025-01-31", "31.01.2025", "1/31/2025", "2025-01-31T04:00:00Z", "2025-01-31 04:00"] {
            assert!(is_date(date), "{date}");
        }
        for other in ["20250131", "1.5", "2025-01", "12-2025-1", "a-b-c", "1-2-3", "2025.01-31"] {
            assert!(!is_date(other), "{other}");
        }
    }

    #[test]
    fn signs_are_counted() {
        let mut signs = TextSigns::default();
        ["", "  ", " a", "N/A", "ana@example.org", "3", "2025-01-31"].iter().for_each(|text| signs.add(text));
        let TextSigns { blank, padded, numbers, dates, addresses, sentinels } = signs;
        assert_eq!([blank, padded, numbers, dates, addresses, sentinels], [2, 1, 1, 1, 1, 1]);
    }
}
