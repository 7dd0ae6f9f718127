//! From the characters of a text to where in a YAML file they are written.
//!
//! The text is known already; it is read once more along with the file, whatever style it is written
//! in. What does not agree to the last character is not told at all: who points somewhere must not
//! point to the wrong place.
use std::iter::Peekable;
use std::ops::Range;
use std::str::Chars;

/// Where each byte of a text is written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// For each byte of the text, the bytes of the file that its character is written in.
    bytes: Vec<Range<usize>>,
    /// Where the text ends in the file.
    end: usize,
}

impl Written {
    /// Where a part of the text is; where the part is empty, the character it stands before.
    pub(super) fn range(&self, part: Range<usize>) -> Range<usize> {
        let at = |index: usize| self.bytes.get(index);
        let Some(first) = at(part.start) else {
            return self.end..self.end;
        };
        let last = at(part.end.saturating_sub(1).max(part.start));
        first.start..last.map_or(self.end, |last| last.end).max(first.end)
    }
}

/// Reads a text that begins at a byte of a file; `None` where the file says something else.
pub(super) fn read(file: &str, start: usize, text: &str) -> Option<Written> {
    let styles: &[fn(&mut Walk<'_>) -> Option<()>] = match file.get(start..)?.bytes().next() {
        _ if header(file, start).is_some() => &[block],
        Some(b'"') => &[double_quoted, plain],
        Some(b'\'') => &[single_quoted, plain],
        _ => &[plain],
    };
    styles.iter().find_map(|style| {
        let mut walk = Walk {
            file,
            at: start,
            text: text.chars().peekable(),
            written: Written::default(),
        };
        style(&mut walk)?;
        walk.written.end = walk.at;
        Some(walk.written)
    })
}

/// A text and a file, read side by side.
struct Walk<'a> {
    file: &'a str,
    at: usize,
    text: Peekable<Chars<'a>>,
    written: Written,
}

impl Walk<'_> {
    fn rest(&self) -> &str {
        self.file.get(self.at..).unwrap_or_default()
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The next character of the text is written in the next bytes of the file.
    fn take(&mut self, character: char, length: usize) -> Option<()> {
        let next = self.text.next_if_eq(&character)?;
        let range = self.at..self.at + length;
        let bytes = std::iter::repeat_n(range, next.len_utf8());
        self.written.bytes.extend(bytes);
        self.at += length;
        Some(())
    }

    /// The same character is next in both.
    fn same(&mut self) -> Option<()> {
        let character = self.next()?;
        self.take(character, character.len_utf8())
    }

    /// Line breaks within a quoted or plain text, with the blanks around them: one is a blank, more
    /// are one less. `false` where there is none.
    fn fold(&mut self) -> Option<bool> {
        let rest = self.rest();
        let mut breaks = 0;
        let mut length = 0;
        loop {
            let blanks = blanks(&rest[length..]);
            match line_break(&rest[length + blanks..]) {
                0 if breaks == 0 => return Some(false),
                0 => {
                    length += blanks;
                    break;
                }
                width => {
                    breaks += 1;
                    length += blanks + width;
                }
            }
        }
        if breaks == 1 {
            self.take(' ', length)?;
        } else {
            let end = self.at + length;
            for _ in 1..breaks {
                self.at = end - length;
                self.take('\n', length)?;
            }
        }
        Some(true)
    }
}

fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}

/// The length of the line break that a text begins with.
fn line_break(text: &str) -> usize {
    match text.as_bytes() {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

fn plain(walk: &mut Walk<'_>) -> Option<()> {
    while walk.text.peek().is_some() {
        if !walk.fold()? {
            walk.same()?;
        }
    }
    Some(())
}

fn single_quoted(walk: &mut Walk<'_>) -> Option<()> {
    walk.at += 1;
    while walk.text.peek().is_some() {
        if walk.fold()? {
            continue;
        }
        match walk.rest().as_bytes() {
            [b'\'', b'\'', ..] => walk.take('\'', 2)?,
            [b'\'', ..] => return None,
            _ => walk.same()?,
        }
    }
    walk.rest().starts_with('\'').then_some(())
}

fn double_quoted(walk: &mut Walk<'_>) -> Option<()> {
    walk.at += 1;
    while walk.text.peek().is_some() {
        if walk.fold()? {
            continue;
        }
        match walk.next()? {
            '"' => return None,
            '\\' => escape(walk)?,
            _ => walk.same()?,
        }
    }
    while walk.rest().starts_with('\\') {
        escape(walk)?;
    }
    walk.rest().starts_with('"').then_some(())
}

fn escape(walk: &mut Walk<'_>) -> Option<()> {
    let escaped = walk.rest().get(1..)?;
    let continued = line_break(escaped);
    if continued > 0 {
        let indent = blanks(&escaped[continued..]);
        walk.at += 1 + continued + indent;
        return Some(());
    }
    let (character, digits) = match escaped.chars().next()? {
        '0' => ('\0', 0),
        'a' => ('\u{7}', 0),
        'b' => ('\u{8}', 0),
        't' | '\t' => ('\t', 0),
        'n' => ('\n', 0),
        'v' => ('\u{b}', 0),
        'f' => ('\u{c}', 0),
        'r' => ('\r', 0),
        'e' => ('\u{1b}', 0),
        'N' => ('\u{85}', 0),
        '_' => ('\u{a0}', 0),
        'L' => ('\u{2028}', 0),
        'P' => ('\u{2029}', 0),
        'x' => (number(escaped, 2).and_then(char::from_u32)?, 2),
        'u' => return unicode(walk),
        'U' => (number(escaped, 8).and_then(char::from_u32)?, 8),
        other => (other, 0),
    };
    walk.take(character, 2 + digits)
}

/// The number in hexadecimal digits after the letter of an escape.
fn number(escaped: &str, digits: usize) -> Option<u32> {
    u32::from_str_radix(escaped.get(1..=digits)?, 16).ok()
}

/// `\uXXXX`, or two of them that JSON writes one character in.
fn unicode(walk: &mut Walk<'_>) -> Option<()> {
    let rest = walk.rest();
    let first = number(rest.get(1..)?, 4)?;
    if let Some(character) = char::from_u32(first) {
        return walk.take(character, 6);
    }
    let second = number(rest.get(6..)?.strip_prefix('\\')?, 4)?;
    let units = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let character = char::decode_utf16(units).next()?.ok()?;
    walk.take(character, 12)
}

/// Where the first line of a block text begins, and whether its lines are folded; `None` where what
/// begins at this byte is no block text.
fn header(file: &str, start: usize) -> Option<(usize, bool)> {
    let line = file
        .get(..start)?
        .rfind(['\n', '\r'])
        .map_or(0, |at| at + 1);
    if blanks(&file[line..start]) < start - line {
        return None;
    }
    let mut end = line;
    loop {
        let before = file.get(..end)?;
        let before = before.strip_suffix('\n').unwrap_or(before);
        let before = before.strip_suffix('\r').unwrap_or(before);
        if before.len() == end {
            return None; // the start of the file
        }
        let begin = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        if before[begin..].trim().is_empty() {
            end = begin;
            continue;
        }
        return indicator(&before[begin..]).map(|is_folded| (end, is_folded));
    }
}

/// Whether the block text whose header a line ends in is folded.
fn indicator(line: &str) -> Option<bool> {
    let without_comment = match line.find(" #") {
        Some(at) => &line[..at],
        None => line,
    };
    let last = without_comment.split_whitespace().next_back()?;
    let mut letters = last.chars();
    let is_folded = match letters.next()? {
        '|' => false,
        '>' => true,
        _ => return None,
    };
    let plain = |c: char| c == '+' || c == '-' || c.is_ascii_digit();
    letters.all(plain).then_some(is_folded)
}

fn block(walk: &mut Walk<'_>) -> Option<()> {
    let (first, is_folded) = header(walk.file, walk.at)?;
    walk.at = first;
    let indent = indent(walk)?;
    loop {
        if walk.text.peek().is_none() {
            return Some(());
        }
        // A line that is blank may be shorter than the indentation.
        let spaces = walk.rest().bytes().take_while(|b| *b == b' ').count();
        walk.at += spaces.min(indent);
        while walk.text.peek().is_some() && line_break(walk.rest()) == 0 {
            walk.same()?;
        }
        if walk.text.peek().is_none() {
            return Some(());
        }
        let width = line_break(walk.rest());
        if !is_folded {
            walk.take('\n', width)?;
            continue;
        }
        fold_block(walk, indent)?;
    }
}

/// Line breaks of a folded block, up to the next line that is not blank: one is a blank, more are
/// one less, and beside lines that are indented more all of them stay.
fn fold_block(walk: &mut Walk<'_>, indent: usize) -> Option<()> {
    let mut breaks = Vec::new();
    let mut at = walk.at;
    loop {
        let rest = &walk.file[at..];
        let spaces = rest.bytes().take_while(|b| *b == b' ').count();
        let spaces = if breaks.is_empty() { 0 } else { spaces };
        match line_break(&rest[spaces.min(rest.len())..]) {
            0 => break,
            _ if spaces > indent => break,
            width => {
                breaks.push((at + spaces, width));
                at += spaces + width;
            }
        }
    }
    let ahead = walk.text.clone().take_while(|c| *c == '\n').count();
    if ahead == 0 {
        let [(start, width)] = *breaks else {
            return None;
        };
        walk.at = start;
        return walk.take(' ', width);
    }
    let is_end = walk.text.clone().nth(ahead).is_none();
    let kept = if is_end && ahead <= breaks.len() || ahead == breaks.len() {
        &breaks[..]
    } else if ahead + 1 == breaks.len() {
        &breaks[1..]
    } else {
        return None;
    };
    for (start, width) in kept.iter().take(ahead) {
        walk.at = *start;
        walk.take('\n', *width)?;
    }
    walk.at = at;
    Some(())
}

/// How far the lines of a block are indented: what its first line has more blanks than its text.
fn indent(walk: &Walk<'_>) -> Option<usize> {
    let leading = |line: &str| line.bytes().take_while(|b| *b == b' ').count();
    let text: String = walk.text.clone().collect();
    let is_written = |line: &&str| !line.trim().is_empty();
    let in_text = text.lines().find(is_written).map_or(0, leading);
    let in_file = walk.rest().lines().find(is_written).map(leading)?;
    in_file.checked_sub(in_text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::node::Node;
    use super::*;

    /// The text of the key `a`, and where the file has it.
    fn parse(file: &str) -> (String, Option<Written>) {
        let mut reader = file.as_bytes();
        let mut documents = serde_saphyr::read::<_, Node>(&mut reader);
        let node = documents.next().unwrap().unwrap();
        let (_, node) = node.find("a").unwrap();
        let line = file
            .split_inclusive('\n')
            .take(node.written.line as usize - 1);
        let start = line.map(str::len).sum::<usize>();
        let column = node.written.column as usize - 1;
        let start = start
            + file[start..]
                .chars()
                .take(column)
                .map(char::len_utf8)
                .sum::<usize>();
        let text = node.text().unwrap().to_owned();
        let written = read(file, start, &text);
        (text, written)
    }

    #[test]
    fn every_style_is_read_back() {
        for (file, part, expected) in [
            ("a: plain text", "text", "text"),
            ("a: plain\n  over\n\n  lines", "over", "over"),
            ("a: 'it''s  é so'", "'s  é", "''s  é"),
            ("a: 'one\n\n  two\n  three'", "two", "two"),
            (r#"a: "x\ty \u00e9 \"z\"""#, "é \"", r#"\u00e9 \""#),
            ("a: \"one \\\n   two\\\n  \"", "two", "two"),
            (
                "a: |\n  {\n    \"b\": 1\n  }\n",
                "\"b\": 1\n}",
                "\"b\": 1\n  }",
            ),
            ("a: |2-\n    deep\n   less\n", "less", "less"),
            ("a: | # why\n\n  late\n", "late", "late"),
            (
                "a: >\n  one\n  two\n\n  three\n    more\n\n  less\n",
                "less",
                "less",
            ),
            ("a: >-\n  one\n  two", "one two", "one\n  two"),
            ("b: &x\n  a: 1\na: !!str |\n  t\nc: 1\n", "t\n", "t\n"),
            ("b: &x 'deep'\na: *x\n", "ee", "ee"),
            ("{\"b\": 1, \"a\": \"x\\/y\\n\"}", "/y", "\\/y"),
            ("a:\n  \"x\"", "x", "x"),
            ("a: |\r\n  x\r\n  y\r\n", "y", "y"),
        ] {
            let (text, written) = parse(file);
            let at = text
                .find(part)
                .unwrap_or_else(|| panic!("{part:?} in {text:?}"));
            let written = written.unwrap_or_else(|| panic!("{file:?}"));
            let range = written.range(at..at + part.len());
            assert_eq!(&file[range], expected, "{file:?}");
        }
    }

    #[test]
    fn what_is_empty_stands_before_a_character_or_at_the_end() {
        let written = read("a: 'xyz'", 3, "xyz").unwrap();
        assert_eq!(written.range(1..1), 5..6);
        assert_eq!(written.range(3..3), 7..7);
    }

    #[test]
    fn what_says_something_else_is_not_told() {
        for (file, start, text) in [
            ("'a'", 0, "ab"),
            ("'ab'", 0, "a"),
            ("\"a\"", 0, "b"),
            ("|\n a", 3, "b\n"),
            ("abc", 9, "a"),
            ("é", 1, "x"),
        ] {
            assert!(read(file, start, text).is_none(), "{file:?} {text:?}");
        }
    }

    /// A text in each of the styles.
    fn written_in(style: usize, text: &str) -> String {
        let lines = |text: &str| text.replace('\n', "\n  ");
        match style {
            0 => format!(
                "a: '{}'\n",
                text.replace('\'', "''").replace('\n', "\n\n  ")
            ),
            1 => format!("a: {}\n", serde_json::to_string(text).unwrap()),
            2 => format!("a: |2-\n  {}\n", lines(text)),
            3 => format!("a: >2-\n  {}\n", lines(text)),
            _ => format!("a: {text}\n"),
        }
    }

    proptest! {
        /// Whatever the reader makes of it: a character that is not escaped stands where it is told.
        #[test]
        fn characters_are_where_they_are_told(text in "[ab'\"\\\\{}: é\n]{1,12}", style in 0..5usize) {
            let file = written_in(style, &text);
            let mut reader = file.as_bytes();
            let read = serde_saphyr::read::<_, Node>(&mut reader).next();
            let Some(Ok(node)) = read else { return Ok(()) };
            if node.get("a").and_then(Node::text).is_none() {
                return Ok(());
            }
            let (text, written) = parse(&file);
            let quoted = text.trim() == text && !text.contains('\n');
            prop_assert!(written.is_some() || !quoted, "{:?}: {:?}", file, text);
            let Some(written) = written else { return Ok(()) };
            for (at, character) in text.char_indices() {
                let there = &file[written.range(at..at + character.len_utf8())];
                let same = there == character.to_string()
                    || there.trim_matches([' ', '\n']).is_empty() && character.is_whitespace()
                    || there == "''" && character == '\''
                    || there.starts_with('\\');
                prop_assert!(same, "{:?} for {:?} in {:?}", there, character, file);
            }
        }
    }
}
