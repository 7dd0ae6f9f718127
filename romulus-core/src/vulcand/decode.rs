//! Go's `encoding/json` decoding into struct fields, as vulcand uses it.
//!
//! Names match in any case, unknown members are skipped, members are taken one after the other
//! (so the last duplicate wins, and duplicate objects are merged), `null` leaves a plain field as
//! it is, and a member of the wrong type refuses the whole value even if nothing uses it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::check::{Checked, Problem, Verdict};
use super::json::{self, Node, Value};

/// Collects the problems of one value while it is decoded and judged.
#[derive(Default)]
pub(crate) struct Decoder {
    /// Where the whole value stands: what a problem with a missing field points at.
    whole: Range<usize>,
    path: Vec<&'static str>,
    problems: Vec<Problem>,
}

/// A field a JSON value can be decoded into.
pub(crate) trait Field<'a> {
    /// Takes one member into the field.
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder);
}

impl Decoder {
    /// Begins to judge a value that stands for itself.
    pub(crate) fn of(value: &Value) -> Self {
        Self {
            whole: value.span.clone(),
            ..Self::default()
        }
    }

    /// Reads a whole text; what is not JSON is the only problem then.
    pub(crate) fn read(&mut self, text: &str) -> Option<Value> {
        match json::parse(text) {
            Ok(value) => {
                self.whole = value.span.clone();
                Some(value)
            }
            Err(error) => {
                let end = text[error.offset..]
                    .chars()
                    .next()
                    .map_or(0, char::len_utf8);
                self.reject(
                    error.offset..error.offset + end,
                    format!("it is not JSON: {}", error.message),
                    "write one JSON object, with its names and strings in double quotes",
                );
                None
            }
        }
    }

    /// Decodes the members of an object that are fields; `set` gets the field's own spelling.
    pub(crate) fn object<'a>(
        &mut self,
        value: &'a Value,
        fields: &[&'static str],
        mut set: impl FnMut(&'static str, &'a Value, &mut Self),
    ) {
        match &value.node {
            Node::Null => {}
            Node::Object(members) => {
                for member in members {
                    let field = fields.iter().find(|field| member.is_named(field));
                    if let Some(field) = field {
                        self.within(field, |decoder| set(field, &member.value, decoder));
                    }
                }
            }
            _ => self.wrong_type(value, "an object", "{ ... }"),
        }
    }

    /// Runs `judge` with the path one field deeper.
    pub(crate) fn within<T>(
        &mut self,
        field: &'static str,
        judge: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.path.push(field);
        let result = judge(self);
        self.path.pop();
        result
    }

    pub(crate) fn reject(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problem(Verdict::Rejected, span, message.into(), help.into(), false);
    }

    pub(crate) fn harm(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problem(Verdict::Harmful, span, message.into(), help.into(), false);
    }

    /// A harmful value that takes down what it belongs to.
    pub(crate) fn take_down(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problem(Verdict::Harmful, span, message.into(), help.into(), true);
    }

    /// The last problem is at this byte of the text that its string stands for.
    pub(crate) fn inside(&mut self, byte: usize) {
        if let Some(problem) = self.problems.last_mut() {
            problem.inside = Some(byte);
        }
    }

    pub(crate) fn wrong_type(&mut self, value: &Value, wanted: &str, example: &str) {
        self.reject(
            value.span.clone(),
            format!("it must be {wanted}, not a JSON {}", value.kind()),
            format!("write {wanted}: {example}"),
        );
    }

    fn problem(
        &mut self,
        verdict: Verdict,
        span: Range<usize>,
        message: String,
        help: String,
        takes_down: bool,
    ) {
        let path = self.path.join(".");
        let span = if span == (0..0) {
            self.whole.clone()
        } else {
            span
        };
        self.problems.push(Problem {
            verdict,
            span,
            inside: None,
            path,
            message,
            help,
            takes_down,
        });
    }

    /// Judges JSON that vulcand makes of a value, or finds in a string: its problems are about
    /// the value at `span`.
    pub(crate) fn nested<T>(
        &mut self,
        text: &str,
        span: &Range<usize>,
        judge: impl FnOnce(&Value, &mut Self) -> Option<T>,
    ) -> Option<T> {
        let mut inner = Self {
            path: self.path.clone(),
            ..Self::default()
        };
        let value = inner.read(text);
        let judged = value.and_then(|value| judge(&value, &mut inner));
        self.problems
            .extend(inner.problems.into_iter().map(|problem| Problem {
                span: span.clone(),
                inside: None,
                ..problem
            }));
        judged
    }

    /// Whether vulcand would refuse the value for what was found so far.
    pub(crate) fn is_rejected(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.verdict == Verdict::Rejected)
    }

    /// The verdict on a value.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Checked<T> {
        let value = if self.is_rejected() { None } else { value };
        Checked {
            value,
            problems: self.problems,
        }
    }
}

impl<'a> Field<'a> for String {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        match &value.node {
            Node::Null => {}
            Node::String(text) => *self = text.to_string(),
            _ => decoder.wrong_type(value, "a string", "\"...\""),
        }
    }
}

impl<'a> Field<'a> for bool {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        match &value.node {
            Node::Null => {}
            Node::Bool(b) => *self = *b,
            _ => decoder.wrong_type(value, "a boolean", "true or false, without quotes"),
        }
    }
}

/// Go's `int` and `int64`: no fraction and no exponent, whatever they would come to.
impl<'a> Field<'a> for i64 {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        match &value.node {
            Node::Null => {}
            Node::Number(number) => match number.parse() {
                Ok(n) => *self = n,
                Err(_) => decoder.reject(
                    value.span.clone(),
                    format!("`{number}` is not a whole number of 64 bits"),
                    "write it without fraction and exponent, between -9223372036854775808 and \
                     9223372036854775807",
                ),
            },
            _ => decoder.wrong_type(value, "a whole number", "1024, without quotes"),
        }
    }
}

impl<'a> Field<'a> for f64 {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        match &value.node {
            Node::Null => {}
            Node::Number(number) => match number.parse::<f64>() {
                Ok(n) if n.is_finite() => *self = n,
                _ => decoder.reject(
                    value.span.clone(),
                    format!("`{number}` is too big a number"),
                    "write a number below 1.8e308",
                ),
            },
            _ => decoder.wrong_type(value, "a number", "0.5, without quotes"),
        }
    }
}

/// A field that knows where it was written last.
#[derive(Debug, Default)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

impl<'a, T: Field<'a>> Field<'a> for At<T> {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        self.value.decode(value, decoder);
        self.span = value.span.clone();
    }
}

/// Go's `[]byte`: base64 in a string, or an array of byte values.
#[derive(Default)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl<'a> Field<'a> for Bytes {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        match &value.node {
            Node::Null => self.0.clear(),
            Node::String(text) => match base64(text) {
                Some(bytes) => self.0 = bytes,
                None => decoder.reject(
                    value.span.clone(),
                    "it is not base64",
                    "write standard base64, with its padding",
                ),
            },
            Node::Array(items) => {
                self.0.clear();
                for item in items {
                    let mut byte = 0_i64;
                    byte.decode(item, decoder);
                    match u8::try_from(byte) {
                        Ok(byte) => self.0.push(byte),
                        Err(_) => decoder.reject(
                            item.span.clone(),
                            format!("`{byte}` is not a byte"),
                            "write a number between 0 and 255",
                        ),
                    }
                }
            }
            _ => decoder.wrong_type(value, "a base64 string", "\"...\""),
        }
    }
}

/// Go's `base64.StdEncoding`: line ends anywhere, padding required, spare bits ignored.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    use base64::alphabet::STANDARD;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

    const GO: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
    );
    let text: Vec<u8> = text
        .bytes()
        .filter(|b| !matches!(b, b'\r' | b'\n'))
        .collect();
    GO.decode(text).ok()
}

/// Go's slice. A second array goes into the elements of the first, even of those it had cut off,
/// so that a `null` in it leaves what stood there.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Slice<T> {
    elements: Vec<T>,
    length: usize,
}

impl<T> Slice<T> {
    pub(crate) fn as_slice(&self) -> &[T] {
        &self.elements[..self.length]
    }

    pub(crate) fn into_vec(mut self) -> Vec<T> {
        self.elements.truncate(self.length);
        self.elements
    }
}

impl<'a, T: Field<'a> + Default> Field<'a> for Slice<T> {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        let items = match &value.node {
            Node::Null => &[],
            Node::Array(items) => items.as_slice(),
            _ => return decoder.wrong_type(value, "an array", "[ ... ]"),
        };
        if items.is_empty() {
            self.elements.clear();
        }
        for (index, item) in items.iter().enumerate() {
            if index == self.elements.len() {
                self.elements.push(T::default());
            }
            self.elements[index].decode(item, decoder);
        }
        self.length = items.len();
    }
}

/// Go's pointer to a struct: `null` makes it nil.
impl<'a, T: Field<'a> + Default> Field<'a> for Option<T> {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        if value.is_null() {
            *self = None;
        } else {
            self.get_or_insert_default().decode(value, decoder);
        }
    }
}

/// Go's `json.RawMessage` and `interface{}`: the last value is kept, `null` as well.
impl<'a> Field<'a> for Option<&'a Value> {
    fn decode(&mut self, value: &'a Value, _decoder: &mut Decoder) {
        *self = Some(value);
    }
}

/// Go's `map[string][]string`.
impl<'a> Field<'a> for BTreeMap<String, Vec<String>> {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        match &value.node {
            Node::Null => self.clear(),
            Node::Object(members) => {
                for member in members {
                    let mut list = Slice::default();
                    list.decode(&member.value, decoder);
                    self.insert(member.name.to_string(), list.into_vec());
                }
            }
            _ => decoder.wrong_type(value, "an object of arrays", "{\"Name\": [\"value\"]}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Sample {
        text: String,
        number: i64,
        flag: bool,
        list: Slice<String>,
        inner: Option<Box<Sample>>,
    }

    impl<'a> Field<'a> for Box<Sample> {
        fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
            self.as_mut().decode(value, decoder);
        }
    }

    impl<'a> Field<'a> for Sample {
        fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
            let fields = &["Text", "Number", "Flag", "Lisk", "Inner"];
            decoder.object(value, fields, |field, value, d| match field {
                "Text" => self.text.decode(value, d),
                "Number" => self.number.decode(value, d),
                "Flag" => self.flag.decode(value, d),
                "Lisk" => self.list.decode(value, d),
                _ => self.inner.decode(value, d),
            });
        }
    }

    fn decode(text: &str) -> Checked<Sample> {
        let value = json::parse(text).unwrap();
        let mut decoder = Decoder::of(&value);
        let mut sample = Sample::default();
        sample.decode(&value, &mut decoder);
        decoder.finish(Some(sample))
    }

    #[test]
    fn members_are_taken_one_after_the_other_in_any_case() {
        let sample = decode(
            r#"{"TEXT": "a", "text": "b", "Text": null, "teXt ": 5, "number": -0, "\u0046lag": true,
                "li\u017f\u212a": ["x"], "Lisk": ["y", null],
                "Inner": {"Text": "c"}, "INNER": {"Number": 9223372036854775807}}"#,
        );
        let inner = Sample {
            text: "c".into(),
            number: i64::MAX,
            ..Sample::default()
        };
        let expected = Sample {
            text: "b".into(),
            number: 0,
            flag: true,
            list: Slice {
                elements: vec!["y".into(), String::new()],
                length: 2,
            },
            inner: Some(Box::new(inner)),
        };
        assert_eq!(
            sample,
            Checked {
                value: Some(expected),
                problems: vec![]
            }
        );
        assert_eq!(
            decode(r#"{"Inner": {"Text": 1}, "Inner": null}"#)
                .problems
                .len(),
            1
        );
        assert_eq!(decode("null").value, Some(Sample::default()));
    }

    #[test]
    fn a_second_array_goes_into_the_elements_of_the_first() {
        for (arrays, list) in [
            (&[r#"["a", "b"]"#, "[null]"][..], &["a"][..]),
            (&[r#"["a", "b"]"#, "[null, null, null]"], &["a", "b", ""]),
            (&[r#"["a", "b"]"#, r#"["c"]"#, "[null, null]"], &["c", "b"]),
            (&[r#"["a", "b"]"#, "[]", "[null]"], &[""]),
            (&[r#"["a", "b"]"#, "null", "[null]"], &[""]),
            (&[r#"["a", "b"]"#, "null"], &[]),
        ] {
            let members: Vec<_> = arrays.iter().map(|a| format!("\"Lisk\": {a}")).collect();
            let sample = decode(&format!("{{{}}}", members.join(", ")))
                .value
                .unwrap();
            assert_eq!(sample.list.into_vec(), list, "{arrays:?}");
        }
    }

    #[test]
    fn a_wrong_type_is_found_where_it_stands_even_if_it_is_overwritten() {
        for (text, path, written) in [
            (r#"{"Text": 5, "Text": "a"}"#, "Text", "5"),
            (r#"{"Number": 1.0}"#, "Number", "1.0"),
            (r#"{"Number": 1e3}"#, "Number", "1e3"),
            (
                r#"{"Number": 9223372036854775808}"#,
                "Number",
                "9223372036854775808",
            ),
            (r#"{"Number": "1"}"#, "Number", "\"1\""),
            (r#"{"Flag": 1}"#, "Flag", "1"),
            (r#"{"Lisk": "a"}"#, "Lisk", "\"a\""),
            (r#"{"Lisk": ["a", 2]}"#, "Lisk", "2"),
            (
                r#"{"Inner": {"Inner": {"Text": []}}}"#,
                "Inner.Inner.Text",
                "[]",
            ),
            ("[]", "", "[]"),
        ] {
            let checked = decode(text);
            let found: Vec<_> = checked
                .problems
                .iter()
                .map(|p| (&*p.path, &text[p.span.clone()]))
                .collect();
            assert_eq!(
                (checked.value, found),
                (None, vec![(path, written)]),
                "{text}"
            );
        }
    }

    #[test]
    fn bytes_are_gos_base64_or_an_array() {
        for (text, bytes) in [
            (r#""aGk=""#, Some(&b"hi"[..])),
            (r#""aG\nk\r\n=""#, Some(b"hi")),
            // The bits that are left over don't count.
            (r#""aGl=""#, Some(b"hi")),
            (r#""aGk""#, None),
            (r#""aGk==""#, None),
            (r#""aG k=""#, None),
            (r#""a-_=""#, None),
            (r#""""#, Some(b"")),
            ("[104, 105]", Some(b"hi")),
            ("[256]", None),
            ("[-1]", None),
            ("null", Some(b"")),
            ("{}", None),
        ] {
            let value = json::parse(text).unwrap();
            let (mut field, mut decoder) = (Bytes::default(), Decoder::of(&value));
            field.decode(&value, &mut decoder);
            let accepted = decoder.finish(Some(field.0)).value;
            assert_eq!(accepted.as_deref(), bytes, "{text}");
        }
    }
}
