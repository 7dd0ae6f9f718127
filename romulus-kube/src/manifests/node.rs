//! A YAML document whose every key and value knows where it was written.
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Spanned};

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Where the value is used.
    pub(crate) mark: Mark,
    /// Where its text is; somewhere else than it is used where an alias stands for it.
    pub(crate) written: Mark,
    pub(crate) content: Content,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// From 1; 0 where it is not known.
    pub(crate) line: u32,
    /// From 1, in characters.
    pub(crate) column: u32,
    /// Of the whole value as it is written, in characters.
    pub(crate) length: u32,
}

impl From<Location> for Mark {
    fn from(location: Location) -> Self {
        let clamp = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            line: clamp(location.line()),
            column: clamp(location.column()),
            length: clamp(location.span().len()),
        }
    }
}

/// A key of a mapping and its place.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) mark: Mark,
    pub(crate) text: String,
}

/// What JSON can say too; Kubernetes reads YAML as JSON.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

impl Node {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Map(entries) => entries
                .iter()
                .find(|(name, _)| name.text == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value as text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The first value in it that is this text.
    pub(crate) fn search(&self, text: &str) -> Option<&Self> {
        match &self.content {
            Content::Text(own) => (own == text).then_some(self),
            Content::List(items) => items.iter().find_map(|item| item.search(text)),
            Content::Map(entries) => entries.iter().find_map(|(_, value)| value.search(text)),
            _ => None,
        }
    }

    /// The value at a path such as `spec.ports[0].port`, or the last one on the way to it that
    /// there is.
    pub(crate) fn locate(&self, path: &str) -> &Self {
        match self.step(path) {
            Some((_, value, rest)) => value.locate(rest),
            None => self,
        }
    }

    /// The value at a path, with its key if it has one.
    pub(crate) fn find(&self, path: &str) -> Option<(Option<&Key>, &Self)> {
        let (key, value, rest) = self.step(path)?;
        if rest.is_empty() {
            Some((key, value))
        } else {
            value.find(rest)
        }
    }

    /// One step along a path: the value the step leads to, its key, and what is left of the path.
    fn step<'p>(&self, path: &'p str) -> Option<(Option<&Key>, &Self, &'p str)> {
        let path = path.strip_prefix('.').unwrap_or(path);
        match &self.content {
            Content::List(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                Some((None, items.get(index.parse::<usize>().ok()?)?, rest))
            }
            // Keys may have dots and slashes in them: the longest that fits is meant.
            Content::Map(entries) => entries
                .iter()
                .filter_map(|(key, value)| {
                    let rest = path.strip_prefix(key.text.as_str())?;
                    let whole = rest.is_empty() || rest.starts_with(['.', '[']);
                    whole.then_some((Some(key), value, rest))
                })
                .max_by_key(|(key, ..)| key.map_or(0, |key| key.text.len())),
            _ => None,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(value) => Value::Number(value.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Content::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| (key.text.clone(), value.to_json()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned {
            value,
            referenced,
            defined,
        } = Spanned::<Content>::deserialize(deserializer)?;
        Ok(Self {
            mark: referenced.into(),
            written: defined.into(),
            content: value,
        })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned {
            value, referenced, ..
        } = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self {
            mark: referenced.into(),
            text: value,
        })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has too")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
        // JSON has no NaN and no infinity; as text they fail wherever a number is wanted.
        let number = Number::from_f64(value).map(Content::Number);
        Ok(number.unwrap_or_else(|| Content::Text(value.to_string())))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Content, E> {
        Ok(Content::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Content::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Content::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "\
metadata:
  annotations:
    romulus/host: a
    romulus/host.api: b
spec:
  ports:
  - port: 80
  - {port: x}
empty:
yes-no: [true, 1, -2, 1.5, ~, '7', 2016-01-01]
";

    #[test]
    fn reads_what_json_would_say() {
        let node: Node = serde_saphyr::from_str(TEXT).unwrap();
        assert_eq!(
            node.to_json(),
            json!({
                "metadata": {"annotations": {"romulus/host": "a", "romulus/host.api": "b"}},
                "spec": {"ports": [{"port": 80}, {"port": "x"}]},
                "empty": null,
                "yes-no": [true, 1, -2, 1.5, null, "7", "2016-01-01"],
            })
        );
    }

    #[test]
    fn locates_fields_by_path() {
        let node: Node = serde_saphyr::from_str(TEXT).unwrap();
        for (path, line, column) in [
            ("metadata.annotations.romulus/host", 3, 19),
            ("metadata.annotations.romulus/host.api", 4, 23),
            ("spec.ports[1].port", 8, 12),
            ("spec.ports[1].name", 8, 5),
            ("nothing", 1, 1),
            ("spec.ports[9]", 7, 5),
        ] {
            let found = node.locate(path);
            let mark = (found.mark.line, found.mark.column);
            assert_eq!(mark, (line, column), "{path}");
        }
    }
}
