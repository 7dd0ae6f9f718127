//! Which fields differ between two JSON texts.

use std::fmt;

use serde_json::{Map, Value};

/// A field that is not the same in two values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldChange {
    /// The names that lead to it; at least one.
    pub(crate) path: Vec<String>,
    /// What it was; `None` where it was not there.
    pub(crate) old: Option<Value>,
    /// What it is.
    pub(crate) new: Option<Value>,
}

impl FieldChange {
    /// The fields themselves, where a whole object came or went.
    pub(crate) fn leaves(self) -> Vec<Vec<String>> {
        let members = match (&self.old, &self.new) {
            (None, Some(Value::Object(members))) | (Some(Value::Object(members)), None)
                if !members.is_empty() =>
            {
                members
            }
            _ => return vec![self.path],
        };
        let mut leaves = Vec::new();
        for (name, value) in members {
            let mut path = self.path.clone();
            path.push(name.clone());
            let field = Self {
                path,
                old: None,
                new: Some(value.clone()),
            };
            leaves.extend(field.leaves());
        }
        leaves
    }
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.join("."))?;
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => write!(f, "{old} -> {new}"),
            (None, Some(new)) => write!(f, "+ {new}"),
            (Some(old), None) => write!(f, "- {old}"),
            (None, None) => Ok(()),
        }
    }
}

/// The fields that differ, in the order of their names. `None` where the texts differ in something
/// that fields don't show: one is no JSON object, or they are written differently.
pub(crate) fn fields(old: &str, new: &str) -> Option<Vec<FieldChange>> {
    let members = |text| match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    };
    let mut found = Vec::new();
    compare_members(&mut Vec::new(), members(old)?, members(new)?, &mut found);
    (!found.is_empty() || old == new).then_some(found)
}

fn compare(
    path: &mut Vec<String>,
    old: Option<Value>,
    new: Option<Value>,
    found: &mut Vec<FieldChange>,
) {
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            compare_members(path, old, new, found)
        }
        (old, new) if old == new => {}
        (old, new) => found.push(FieldChange {
            path: path.clone(),
            old,
            new,
        }),
    }
}

fn compare_members(
    path: &mut Vec<String>,
    mut old: Map<String, Value>,
    mut new: Map<String, Value>,
    found: &mut Vec<FieldChange>,
) {
    let names: std::collections::BTreeSet<String> = old.keys().chain(new.keys()).cloned().collect();
    for name in names {
        let (old, new) = (old.remove(&name), new.remove(&name));
        path.push(name);
        compare(path, old, new, found);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The old value with the changes made to it.
    fn patched(mut value: Value, changes: &[FieldChange]) -> Value {
        for change in changes {
            let (last, parents) = change.path.split_last().unwrap();
            let mut at = &mut value;
            for name in parents {
                at = at.get_mut(name).unwrap();
            }
            let at = at.as_object_mut().unwrap();
            assert_eq!(at.get(last), change.old.as_ref());
            match &change.new {
                Some(new) => at.insert(last.clone(), new.clone()),
                None => at.remove(last),
            };
        }
        value
    }

    fn objects() -> impl Strategy<Value = Value> {
        prop::collection::btree_map("[a-d]", values(), 0..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_change_is_lost(old in objects(), new in objects()) {
            let changes = fields(&old.to_string(), &new.to_string()).unwrap();
            prop_assert_eq!(changes.is_empty(), old == new);
            prop_assert_eq!(&patched(old, &changes), &new);
            for change in changes {
                let line = change.to_string();
                for value in [change.old, change.new].into_iter().flatten() {
                    prop_assert!(line.contains(&value.to_string()));
                }
            }
        }
    }

    #[test]
    fn lines() {
        let old = json!({"a": {"b": 1, "gone": [1]}, "same": {}});
        let new = json!({"a": {"b": "1"}, "same": {}, "x": null});
        let lines = fields(&old.to_string(), &new.to_string()).unwrap();
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["a.b: 1 -> \"1\"", "a.gone: - [1]", "x: + null"]);
    }

    #[test]
    fn the_fields_of_an_object_that_came() {
        let changes = fields("{}", r#"{"s": {"a": {"b": 1, "c": {}}, "d": 2}}"#).unwrap();
        let leaves: Vec<Vec<String>> = changes.into_iter().flat_map(FieldChange::leaves).collect();
        let leaves: Vec<String> = leaves.iter().map(|path| path.join(".")).collect();
        assert_eq!(leaves, ["s.a.b", "s.a.c", "s.d"]);
    }

    #[test]
    fn what_fields_do_not_show() {
        assert_eq!(fields("{}", "no JSON"), None);
        assert_eq!(fields("null", "{}"), None);
        assert_eq!(fields("{ }", "{}"), None, "another text that says the same");
        assert_eq!(fields("{\"a\":1,\"a\":2}", "{\"a\":2}"), None);
        assert_eq!(fields("{}", "{}"), Some(Vec::new()));
    }
}
