//! Text with wildcards and policy variables, compiled; what a variable brings in is never a pattern.
//!
//! Matching takes each stretch between `*` at its leftmost place, which is enough for globs and never backtracks.

use crate::key::Key;
use crate::request::Request;

/// The most pieces that a stretch between two `*` may have: it is tried at each place of a text, so that this bounds the
/// work for each character. One literal is found in linear time however long it is.
const MAX_SEARCHED_PIECES: usize = 64;
/// The most such pieces that all patterns of a document may have together, since a text may be held against each of them.
pub(crate) const MAX_SEARCHED_TOGETHER: usize = 512;
/// What to do about too many of them.
pub(crate) const SEARCH_LESS: &str = "use fewer `?` and variables between two `*`";

#[derive(Debug, Clone)]
pub(crate) enum Template {
    Anything,
    Exact(Box<str>),
    Prefix(Box<str>),
    /// Stretches with `*` between them; the first starts the text, the last ends it.
    Stretches(Vec<Vec<Piece>>),
}

#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Literal(Box<str>),
    /// `?`: any one character.
    One,
    Variable {
        key: Key,
        default: Option<Box<str>>,
    },
}

/// Which of the language's special characters count in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Syntax {
    pub(crate) wildcards: bool,
    pub(crate) variables: bool,
}

/// How a text compares with a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Yes,
    No,
    /// A variable without default has no single value in this request.
    Unresolved,
}

impl Template {
    /// Compiles `text`; the error says how to write it right.
    pub(crate) fn parse(text: &str, syntax: Syntax) -> Result<Self, &'static str> {
        let stretches = stretches(text, syntax)?;
        if searched(&stretches).any(|pieces| pieces > MAX_SEARCHED_PIECES) {
            return Err(SEARCH_LESS);
        }
        Ok(match stretches.as_slice() {
            [only] => match only.as_slice() {
                [] => Self::Exact("".into()),
                [Piece::Literal(text)] => Self::Exact(text.clone()),
                _ => Self::Stretches(stretches),
            },
            [start, end] if end.is_empty() => match start.as_slice() {
                [] => Self::Anything,
                [Piece::Literal(text)] => Self::Prefix(text.clone()),
                _ => Self::Stretches(stretches),
            },
            _ => Self::Stretches(stretches),
        })
    }

    /// Compares `text` with the template, its variables taken from `request`.
    pub(crate) fn compare(&self, text: &str, request: &Request<'_>) -> Match {
        let matched = match self {
            Self::Anything => true,
            Self::Exact(wanted) => text == &**wanted,
            Self::Prefix(wanted) => text.starts_with(&**wanted),
            Self::Stretches(stretches) => {
                if stretches.iter().flatten().any(|piece| piece.is_unresolved(request)) {
                    return Match::Unresolved;
                }
                glob(stretches, text, request).is_some()
            }
        };
        if matched { Match::Yes } else { Match::No }
    }

    pub(crate) fn matches(&self, text: &str, request: &Request<'_>) -> bool {
        self.compare(text, request) == Match::Yes
    }

    /// Compares with a template without wildcards, in any case.
    pub(crate) fn equals_ignoring_case(&self, text: &str, request: &Request<'_>) -> bool {
        match self {
            Self::Exact(wanted) => lower(wanted).eq(lower(text)),
            Self::Anything | Self::Prefix(_) => false,
            Self::Stretches(stretches) => {
                let pieces = || stretches.iter().flatten();
                !pieces().any(|piece| piece.is_unresolved(request))
                    && pieces().filter_map(|piece| piece.literal(request)).flat_map(lower).eq(lower(text))
            }
        }
    }

    /// The literal text that every match starts with.
    pub(crate) fn literal_start(&self) -> &str {
        match self {
            Self::Anything => "",
            Self::Exact(text) | Self::Prefix(text) => text,
            Self::Stretches(stretches) => match stretches.first().and_then(|stretch| stretch.first()) {
                Some(Piece::Literal(text)) => text,
                _ => "",
            },
        }
    }

    /// What the first piece stands for in this request; none for a wildcard and for a variable without a value.
    pub(crate) fn start<'r>(&'r self, request: &'r Request<'r>) -> Option<&'r str> {
        match self {
            Self::Anything => None,
            Self::Exact(text) | Self::Prefix(text) => Some(text),
            Self::Stretches(stretches) => stretches.first()?.first()?.literal(request),
        }
    }

    pub(crate) fn has_variables(&self) -> bool {
        let Self::Stretches(stretches) = self else { return false };
        stretches.iter().flatten().any(|piece| matches!(piece, Piece::Variable { .. }))
    }

    /// The keys of its variables.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        let stretches = match self {
            Self::Stretches(stretches) => stretches.as_slice(),
            Self::Anything | Self::Exact(_) | Self::Prefix(_) => &[],
        };
        stretches.iter().flatten().filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(key),
            Piece::Literal(_) | Piece::One => None,
        })
    }

    /// The most pieces between two `*`: what may be tried at each place of a text. A stretch begins where the one before
    /// was found, so that no two are tried at one place.
    pub(crate) fn searched_pieces(&self) -> usize {
        match self {
            Self::Stretches(stretches) => searched(stretches).max().unwrap_or(0),
            Self::Anything | Self::Exact(_) | Self::Prefix(_) => 0,
        }
    }

    pub(crate) const fn is_exact(&self) -> bool {
        matches!(self, Self::Exact(_))
    }
}

impl Piece {
    fn is_unresolved(&self, request: &Request<'_>) -> bool {
        matches!(self, Self::Variable { .. }) && self.literal(request).is_none()
    }

    /// The text that the piece stands for in this request; none for `?`.
    fn literal<'r>(&'r self, request: &'r Request<'r>) -> Option<&'r str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::One => None,
            Self::Variable { key, default } => key.single(request).or(default.as_deref()),
        }
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// How many pieces each stretch between two `*` has.
fn searched(stretches: &[Vec<Piece>]) -> impl Iterator<Item = usize> {
    stretches.iter().skip(1).rev().skip(1).map(Vec::len)
}

fn glob(stretches: &[Vec<Piece>], text: &str, request: &Request<'_>) -> Option<()> {
    let (first, others) = stretches.split_first()?;
    let mut rest = strip_start(first, text, request)?;
    let Some((last, middle)) = others.split_last() else {
        return rest.is_empty().then_some(());
    };
    for stretch in middle {
        rest = find(stretch, rest, request)?;
    }
    strip_end(last, rest, request).map(|_| ())
}

/// What follows the leftmost place of `stretch` in `text`.
fn find<'t>(stretch: &[Piece], text: &'t str, request: &Request<'_>) -> Option<&'t str> {
    if let [Piece::Literal(wanted)] = stretch {
        return text.split_once(&**wanted).map(|(_, rest)| rest);
    }
    // Variables are looked up once, not at each place.
    let mut room = [None; MAX_SEARCHED_PIECES];
    let pieces = room.get_mut(..stretch.len())?;
    pieces.iter_mut().zip(stretch).for_each(|(text, piece)| *text = piece.literal(request));
    let mut rest = text;
    loop {
        if let Some(after) = strip_pieces(pieces.iter().copied(), rest) {
            return Some(after);
        }
        let mut characters = rest.chars();
        characters.next()?;
        rest = characters.as_str();
    }
}

fn strip_start<'t>(stretch: &[Piece], text: &'t str, request: &Request<'_>) -> Option<&'t str> {
    strip_pieces(stretch.iter().map(|piece| piece.literal(request)), text)
}

/// What follows the pieces where `text` starts with them; none among them is any one character.
fn strip_pieces<'t, 'p>(mut pieces: impl Iterator<Item = Option<&'p str>>, text: &'t str) -> Option<&'t str> {
    pieces.try_fold(text, |rest, piece| match piece {
        // Comparing nothing is slow: some processors pay for its address, which points nowhere.
        Some("") => Some(rest),
        Some(literal) => rest.strip_prefix(literal),
        None => {
            let mut characters = rest.chars();
            characters.next().map(|_| characters.as_str())
        }
    })
}

fn strip_end<'t>(stretch: &[Piece], text: &'t str, request: &Request<'_>) -> Option<&'t str> {
    stretch.iter().rev().try_fold(text, |rest, piece| match piece.literal(request) {
        Some(literal) => rest.strip_suffix(literal),
        None => {
            let mut characters = rest.chars();
            characters.next_back().map(|_| characters.as_str())
        }
    })
}

fn stretches(text: &str, syntax: Syntax) -> Result<Vec<Vec<Piece>>, &'static str> {
    let mut stretches = Vec::new();
    let (mut stretch, mut literal) = (Vec::new(), String::new());
    let mut rest = text;
    loop {
        if syntax.variables
            && let Some(after) = rest.strip_prefix("${")
        {
            let (inside, after) = after.split_once('}').ok_or("close the variable with `}`")?;
            rest = after;
            match inside {
                "*" | "?" | "$" => literal.push_str(inside),
                _ => {
                    flush(&mut literal, &mut stretch);
                    stretch.push(variable(inside)?);
                }
            }
            continue;
        }
        let mut characters = rest.chars();
        match characters.next() {
            None => break,
            Some('*') if syntax.wildcards => {
                flush(&mut literal, &mut stretch);
                let ended = std::mem::take(&mut stretch);
                // Several `*` in a row are one.
                if !ended.is_empty() || stretches.is_empty() {
                    stretches.push(ended);
                }
            }
            Some('?') if syntax.wildcards => {
                flush(&mut literal, &mut stretch);
                stretch.push(Piece::One);
            }
            Some(other) => literal.push(other),
        }
        rest = characters.as_str();
    }
    flush(&mut literal, &mut stretch);
    stretches.push(stretch);
    Ok(stretches)
}

fn flush(literal: &mut String, stretch: &mut Vec<Piece>) {
    if !literal.is_empty() {
        stretch.push(Piece::Literal(std::mem::take(literal).into()));
    }
}

fn variable(inside: &str) -> Result<Piece, &'static str> {
    let (name, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((name, default)) => {
            let quoted =
                default.trim_start_matches(' ').strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            (name, Some(quoted.ok_or("write the default in single quotes: `${key, 'default'}`")?))
        }
    };
    if name.is_empty() || name.contains(['$', '{', '*', '?', '\'']) || name.trim() != name {
        return Err("name a condition key between `${` and `}`");
    }
    Ok(Piece::Variable { key: Key::new(name), default: default.map(Into::into) })
}

#[cfg(test)]
mod tests;
