//! What a document may cost, counted on its bytes before any parser sees it.

/// Elements of a document; honest responses have fewer than 200.
const MOST_ELEMENTS: usize = 2_000;
/// Elements within each other.
const DEEPEST: usize = 32;
/// Attributes of one element, namespace declarations among them.
const MOST_ATTRIBUTES: usize = 64;
/// Attributes of all elements.
const MOST_ATTRIBUTES_IN_ALL: usize = 4_000;

#[derive(Default)]
struct Count {
    elements: usize,
    depth: usize,
    attributes: usize,
}

/// How many elements and attributes it has, if the text is within the budgets and has neither declarations, comments, CDATA sections nor processing
/// instructions.
///
/// `<` begins markup wherever it stands in well-formed XML, so no parser is needed to know that.
pub(super) fn check(text: &str) -> Result<usize, &'static str> {
    let mut bytes = text.bytes().peekable();
    let mut count = Count::default();
    while let Some(byte) = bytes.next() {
        if byte != b'<' {
            continue;
        }
        match bytes.peek() {
            Some(b'!') => return Err("it has a declaration, comment or CDATA section"),
            Some(b'?') => return Err("it has a processing instruction"),
            Some(b'/') => count.depth = count.depth.saturating_sub(1),
            _ => count.open(&mut bytes)?,
        }
    }
    Ok(count.elements.saturating_add(count.attributes))
}

impl Count {
    /// Counts one start tag, up to its end.
    fn open(&mut self, bytes: &mut impl Iterator<Item = u8>) -> Result<(), &'static str> {
        self.elements = self.elements.saturating_add(1);
        self.depth = self.depth.saturating_add(1);
        if self.elements > MOST_ELEMENTS {
            return Err("it has more than 2000 elements");
        }
        if self.depth > DEEPEST {
            return Err("it is more than 32 elements deep");
        }
        let (mut quote, mut last, mut attributes) = (None, b' ', 0_usize);
        for byte in bytes {
            match (quote, byte) {
                (None, b'>') => {
                    if last == b'/' {
                        self.depth = self.depth.saturating_sub(1);
                    }
                    return Ok(());
                }
                (_, b'<') => return Err("it is not well-formed"),
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), _) if open == byte => quote = None,
                (None, b'=') => {
                    attributes = attributes.saturating_add(1);
                    self.attributes = self.attributes.saturating_add(1);
                }
                _ => {}
            }
            last = byte;
            if attributes > MOST_ATTRIBUTES || self.attributes > MOST_ATTRIBUTES_IN_ALL {
                return Err("it has too many attributes");
            }
        }
        Err("it is not well-formed")
    }
}
