//! Keys as people write them: what stands unseen around them, and how they are shown.

/// A key without what stands around it unseen.
pub(crate) fn trimmed(key: &str) -> String {
    format!(r"regexp_replace({key}, '^[\s\p{{C}}]+|[\s\p{{C}}]+$', '', 'g')")
}

/// A trimmed key in small letters, without the zeros ahead of its number.
pub(crate) fn folded(key: &str) -> String {
    format!(r"regexp_replace(lower({}), '^([^0-9]*)0+', '\1')", trimmed(key))
}

/// A key in quotes, with what is not seen written out. Where somebody writes e-mail addresses in the place of keys, they stay unsaid.
pub(crate) fn shown(key: &str) -> String {
    if key.contains('@') { "an e-mail address".to_owned() } else { format!("`{}`", key.escape_debug()) }
}
