//! Percent-encoding as SigV4 defines it: every byte but RFC 3986's unreserved ones, in upper-case hexadecimal.

use std::borrow::Cow;

/// Why a path or a query has no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// A `%` without two hexadecimal digits.
    #[error("`%` without two hexadecimal digits")]
    Escape,
    /// The decoded bytes aren't UTF-8, overlong forms included.
    #[error("decoded bytes that are not UTF-8")]
    NotUtf8,
    /// A bare `+`, which form decoders read as a space and signers as a plus.
    #[error("a bare `+`, which is ambiguous: send `%20` or `%2B`")]
    Plus,
}

/// The canonical form of one query name or value: decoded, then encoded; borrowed if it already was canonical.
pub(crate) fn canonical(raw: &str) -> Result<Cow<'_, str>, EncodingError> {
    if raw.bytes().all(is_unreserved) {
        return Ok(Cow::Borrowed(raw));
    }
    if raw.contains('+') {
        return Err(EncodingError::Plus);
    }
    let decoded = decode(raw)?;
    let mut encoded = String::with_capacity(raw.len());
    decoded.bytes().for_each(|byte| push_encoded(byte, &mut encoded));
    Ok(if encoded == raw { Cow::Borrowed(raw) } else { Cow::Owned(encoded) })
}

/// The text that `raw` stands for; `+` stays a plus.
pub(crate) fn decode(raw: &str) -> Result<Cow<'_, str>, EncodingError> {
    if !raw.contains('%') {
        return Ok(Cow::Borrowed(raw));
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = bytes.next().and_then(nibble).ok_or(EncodingError::Escape)?;
            let low = bytes.next().and_then(nibble).ok_or(EncodingError::Escape)?;
            decoded.push(high << 4 | low);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| EncodingError::NotUtf8)
}

/// Appends `byte`, escaped unless it is unreserved.
pub(crate) fn push_encoded(byte: u8, out: &mut String) {
    if is_unreserved(byte) {
        out.push(char::from(byte));
    } else {
        out.push('%');
        out.push(digit(byte >> 4));
        out.push(digit(byte & 0x0f));
    }
}

/// RFC 3986 §2.3.
pub(crate) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_is_borrowed_and_other_text_is_encoded() {
        for same in ["", "Abc-._~9", "arn%3Aaws", "%E1%88%B4"] {
            assert!(matches!(canonical(same), Ok(Cow::Borrowed(text)) if text == same), "{same}");
        }
        for (raw, want) in [("a:b/c", "a%3Ab%2Fc"), ("%41%2f", "A%2F"), ("ሴ", "%E1%88%B4"), ("a=b", "a%3Db")]
        {
            assert_eq!(canonical(raw).unwrap(), want);
        }
    }

    #[test]
    fn ambiguous_or_broken_escapes_have_no_canonical_form() {
        for (raw, why) in [
            ("a+b", EncodingError::Plus),
            ("%", EncodingError::Escape),
            ("%4", EncodingError::Escape),
            ("%zz", EncodingError::Escape),
            ("%+1", EncodingError::Plus),
            ("%C0%AF", EncodingError::NotUtf8),
            ("%ED%A0%80", EncodingError::NotUtf8),
            ("%FF", EncodingError::NotUtf8),
        ] {
            assert_eq!(canonical(raw), Err(why), "{raw}");
        }
    }
}
