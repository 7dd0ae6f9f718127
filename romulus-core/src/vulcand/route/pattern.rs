use crate::vulcand::expression::Text;
use std::fmt;

/// The value of a literal matcher: text with parameters like `<id>` or `<int:id>`.
///
/// `<x>` and `<string:x>` stand for a run of bytes up to the separator of their part (`/` in paths
/// and header values, `.` in hosts, a blank in methods), `<int:x>` for a run of digits before a
/// separator. Runs are greedy and may be empty. `<>` and a lone `<` are themselves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    source: Text,
    pieces: Vec<Piece>,
}

/// One step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Piece {
    Byte(u8),
    Text(Box<[u8]>),
    Int(Box<[u8]>),
}

/// What is wrong with a pattern, and at which of its bytes.
pub(super) struct PatternError {
    pub(super) at: usize,
    pub(super) message: String,
}

impl Pattern {
    pub(super) fn new(source: Text) -> Result<Self, PatternError> {
        let pieces = pieces(source.as_bytes())?;
        Ok(Self { source, pieces })
    }

    /// The pattern as vulcand compares it (hosts are in lower case).
    pub fn source(&self) -> &Text {
        &self.source
    }

    /// Whether it has a parameter; without one it matches exactly its own text.
    pub fn has_parameters(&self) -> bool {
        self.pieces.iter().any(Piece::is_parameter)
    }

    /// Whether in a chain it would read on into the next part: its last parameter does, and digits
    /// do wherever their part ends.
    pub(super) fn spills(&self) -> bool {
        self.pieces.last().is_some_and(Piece::is_parameter)
            || self
                .pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Int(_)))
    }

    /// Whether the byte stands in it outside parameters.
    pub(super) fn has_byte(&self, byte: u8) -> bool {
        self.pieces.contains(&Piece::Byte(byte))
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }
}

impl Piece {
    pub(super) fn is_parameter(&self) -> bool {
        !matches!(self, Self::Byte(_))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

fn pieces(source: &[u8]) -> Result<Vec<Piece>, PatternError> {
    if source.is_empty() {
        return Err(PatternError {
            at: 0,
            message: "the text is empty".into(),
        });
    }
    let mut pieces = Vec::with_capacity(source.len());
    let mut at = 0;
    while let Some(&byte) = source.get(at) {
        match parameter(&source[at..]) {
            Some(inner) => {
                pieces.push(typed(inner).map_err(|message| PatternError { at, message })?);
                at += inner.len() + 2;
            }
            None => {
                pieces.push(Piece::Byte(byte));
                at += 1;
            }
        }
    }
    Ok(pieces)
}

/// What stands between `<` and the next `>`, unless that is nothing.
fn parameter(text: &[u8]) -> Option<&[u8]> {
    let inner = text.strip_prefix(b"<")?;
    let end = inner.iter().position(|&byte| byte == b'>')?;
    (end > 0).then(|| &inner[..end])
}

fn typed(inner: &[u8]) -> Result<Piece, String> {
    let shown = String::from_utf8_lossy(inner);
    let mut fields = inner.split(|&byte| byte == b':');
    let (kind, name) = match (fields.next(), fields.next(), fields.next()) {
        (Some(name), None, _) => (&b"string"[..], name),
        (Some(kind), Some(name), None) => (kind, name),
        _ => return Err(format!("`<{shown}>` has more than a type and a name")),
    };
    match kind {
        b"string" => Ok(Piece::Text(name.into())),
        b"int" => Ok(Piece::Int(name.into())),
        _ => Err(format!(
            "`<{shown}>` is a parameter of type `{}`, which vulcand doesn't have",
            String::from_utf8_lossy(kind)
        )),
    }
}
