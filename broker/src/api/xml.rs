//! The XML that the Query protocol answers with: elements written in order, every text escaped.

/// An answer under construction.
#[derive(Debug)]
pub struct Xml(String);

impl Xml {
    /// A document whose root element is written by `content`.
    pub fn document(root: &str, namespace: &str, content: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(String::with_capacity(2_048));
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
        for character in text.chars() {
            match character {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                '"' => self.0.push_str("&quot;"),
                '\r' => self.0.push_str("&#xD;"),
                '\t' | '\n' => self.0.push(character),
                // XML 1.0 has no way to write other control characters and the two noncharacters.
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                _ => self.0.push(character),
            }
        }
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
