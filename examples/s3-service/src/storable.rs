//! Which keys the directory backend can hold so that one key is one file, and no key is another's.
//!
//! A policy speaks about the key as sent; the file system would resolve `..`, `.`, `//` and a final `/`,
//! so that `allowed/../secret` or `secret/` would name the file of another key.

use crate::refusal::Refusal;

/// A file name's limit on the file systems of Linux, in bytes.
const NAME_MAX: usize = 255;

/// Refuses a key that isn't exactly one path below its bucket, or whose metadata file name would be too long.
///
/// # Errors
/// [`Refusal::KeyUnstorable`] and [`Refusal::KeyTooLong`].
pub fn check(bucket: &str, key: &str) -> Result<(), Refusal> {
    let sound = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= NAME_MAX;
    if !key.split('/').all(sound) || key.chars().any(char::is_control) {
        return Err(Refusal::KeyUnstorable);
    }
    let longest = longest_key(bucket);
    if key.len() > longest {
        return Err(Refusal::KeyTooLong(longest));
    }
    Ok(())
}

/// s3s-fs keeps a key's metadata under `.bucket-<base64>.object-<base64>.upload-<uuid>.metadata.json`.
fn longest_key(bucket: &str) -> usize {
    let fixed = ".bucket-.object-.upload-.metadata.json".len() + 36 + base64_len(bucket.len());
    NAME_MAX.saturating_sub(fixed).saturating_mul(3) / 4
}

fn base64_len(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t20_dot_segments_and_empty_parts_are_not_keys() {
        for key in ["../other/secret", "a/../b", "a/./b", "a//b", "/a", "secret/", ".", "..", "a\0b", "a\nb"]
        {
            assert_eq!(check("data", key), Err(Refusal::KeyUnstorable), "{key:?}");
        }
    }

    #[test]
    fn ordinary_keys_are_stored() {
        for key in ["a", "a/b.c/d e", "é/…", "..a", "a..b", ".hidden", "%2e%2e"] {
            assert_eq!(check("data", key), Ok(()), "{key:?}");
        }
    }

    #[test]
    fn the_longest_key_leaves_room_for_its_metadata_name() {
        let longest = longest_key("data");
        assert_eq!(check("data", &"k".repeat(longest)), Ok(()));
        assert_eq!(check("data", &"k".repeat(longest + 1)), Err(Refusal::KeyTooLong(longest)));
        let name = ".bucket-.object-.upload-.metadata.json".len() + 36 + base64_len(4) + base64_len(longest);
        assert!(name <= NAME_MAX);
    }
}
