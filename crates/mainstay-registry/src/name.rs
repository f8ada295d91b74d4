//! Names of models and aliases: parts of object paths.

use crate::error::RegistryError;

const LONGEST: usize = 64;

/// Checks the name of a model or an alias: small letters, digits, `_` and `-`, so that it is a path of one part everywhere.
pub(crate) fn check(what: &'static str, name: &str) -> Result<(), RegistryError> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > LONGEST || !name.bytes().all(is_allowed) {
        return Err(RegistryError::Name { what, name: name.to_owned() });
    }
    Ok(())
}
