//! Text from outside, on its way to a terminal.

/// The text with every character that moves a cursor, colours, breaks a line or turns the direction of text escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if character.is_control() || turns {
            out.extend(character.escape_debug());
        } else {
            out.push(character);
        }
    }
    out
}
