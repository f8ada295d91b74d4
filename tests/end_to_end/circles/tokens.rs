//! Rust text cut into words, `::` and marks; without comments, texts and characters.

/// A piece of Rust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    /// `::`
    Path,
    Mark(char),
}

impl Token {
    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Path | Self::Mark(_) => None,
        }
    }
}

pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
        } else if first == '"' {
            rest = after_text(&rest[1..]);
        } else if first == '\'' {
            rest = after_character(&rest[1..]);
        } else if let Some(after) = rest.strip_prefix("::") {
            tokens.push(Token::Path);
            rest = after;
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            let hashes = after.len() - after.trim_start_matches('#').len();
            rest = match after[hashes..].strip_prefix('"') {
                Some(raw) if ["r", "br", "cr"].contains(&word) => {
                    let end = format!("\"{}", "#".repeat(hashes));
                    raw.find(&end).map_or("", |place| &raw[place + end.len()..])
                }
                Some(bytes) if hashes == 0 && ["b", "c"].contains(&word) => after_text(bytes),
                _ => {
                    tokens.push(Token::Word(word.to_owned()));
                    after
                }
            };
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Mark(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

/// What comes after a text whose `"` is gone.
fn after_text(text: &str) -> &str {
    let mut is_escaped = false;
    for (place, c) in text.char_indices() {
        match c {
            '"' if !is_escaped => return &text[place + 1..],
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    ""
}

/// What comes after a character, or after the `'` of a lifetime.
fn after_character(text: &str) -> &str {
    let mut characters = text.char_indices();
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((place, escaped))) => {
            let after = &text[place + escaped.len_utf8()..];
            after.find('\'').map_or("", |end| &after[end + 1..])
        }
        (Some(_), Some((place, '\''))) => &text[place + 1..],
        _ => text,
    }
}
