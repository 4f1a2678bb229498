//! The XML that the Query protocol answers with: elements written in order, every text escaped.

/// An answer under construction.
#[derive(Debug)]
pub struct Xml(String);

impl Xml {
    /// A document whose root element is written by `content`.
    pub fn document(root: &str, namespace: &str, content: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(String::with_capacity(4_096));
        xml.0.push('<');
        xml.0.push_str(root);
        if !namespace.is_empty() {
            xml.0.push_str(" xmlns=\"");
            xml.0.push_str(namespace);
            xml.0.push('"');
        }
        xml.0.push_str(">\n");
        content(&mut xml);
        xml.close(root);
        xml.0
    }

    /// An element that holds elements.
    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) -> &mut Self {
        self.open(name);
        self.0.push('\n');
        content(self);
        self.close(name);
        self
    }

    /// An element that holds text.
    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.open(name);
        let mut rest = text;
        // To the end in any case: without a way out, many bytes are looked at at a time.
        if text.bytes().fold(true, |plain, byte| plain & stands_for_itself(byte)) {
            self.0.push_str(text);
            rest = "";
        }
        while let Some(at) = rest.find(written_otherwise) {
            let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
            self.0.push_str(plain);
            let mut characters = special.chars();
            self.0.push_str(match characters.next() {
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('&') => "&amp;",
                Some('"') => "&quot;",
                Some('\r') => "&#xD;",
                // XML 1.0 has no way to write other control characters and the two noncharacters.
                _ => "\u{fffd}",
            });
            rest = characters.as_str();
        }
        self.0.push_str(rest);
        self.close(name);
        self
    }

    /// An element that holds text, if there is any.
    pub fn optional(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        if let Some(text) = text {
            self.text(name, text);
        }
        self
    }

    fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push_str(">\n");
    }
}

/// Whether a byte is a character of ASCII that stands for itself, as nearly all are.
fn stands_for_itself(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') & !matches!(byte, b'<' | b'>' | b'&' | b'"')
}

/// Whether a character does not stand for itself in text.
fn written_otherwise(character: char) -> bool {
    match character {
        '<' | '>' | '&' | '"' | '\u{fffe}' | '\u{ffff}' => true,
        '\t' | '\n' => false,
        _ => character < ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h09_text_cannot_become_markup() {
        let xml = Xml::document("R", "urn:x", |xml| {
            xml.text("M", "</M><Code>x</Code>&\"\0\r").optional("N", None);
        });
        assert_eq!(
            xml,
            "<R xmlns=\"urn:x\">\n<M>&lt;/M&gt;&lt;Code&gt;x&lt;/Code&gt;&amp;&quot;\u{fffd}&#xD;</M>\n</R>\n"
        );
    }
}
