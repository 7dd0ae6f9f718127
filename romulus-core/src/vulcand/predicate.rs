//! Failover predicates: when vulcand tries a request again on another server.

use std::fmt;
use std::str::FromStr;

use super::expression::{
    CONDITIONS, Call, Expression, ExpressionError, Kind, Language, Literal, Signature, SyntaxError,
    Words,
};

/// A failover predicate, compared as an expression: spelling, blanks and comments don't count.
///
/// ```
/// use romulus_core::vulcand::Predicate;
/// let predicate: Predicate = "(IsNetworkError() || ResponseCode()==503) && Attempts() <= 02".parse()?;
/// assert_eq!(
///     predicate.to_string(),
///     "(IsNetworkError() || ResponseCode() == 503) && Attempts() <= 2"
/// );
/// assert_eq!("Attempts() + 1 < 2".parse::<Predicate>().unwrap_err().offset, 11);
/// # Ok::<(), romulus_core::vulcand::PredicateError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate(Expression<Call>);

/// Why a text is not a failover predicate, and where.
pub type PredicateError = ExpressionError;

impl Predicate {
    /// What vulcand uses where a frontend has no predicate (found on a running vulcand; releases
    /// from 2022 on say `Attempts() < 20`).
    pub const DEFAULT: &'static str =
        "IsNetworkError() && RequestMethod() == \"GET\" && Attempts() < 2";

    /// Whether it says what vulcand's default says.
    pub fn is_default(&self) -> bool {
        Self::DEFAULT.parse().as_ref() == Ok(self)
    }
}

impl FromStr for Predicate {
    type Err = PredicateError;

    fn from_str(text: &str) -> Result<Self, PredicateError> {
        Ok(Self(Expression::parse::<Failover>(text)?))
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a failover predicate can ask.
enum Failover {}

impl Language for Failover {
    type Call = Call;

    const FUNCTIONS: &'static [Signature] = &[
        Signature {
            name: "IsNetworkError",
            takes: (&[], "no argument"),
            gives: Kind::Condition,
            usage: "write IsNetworkError()",
        },
        Signature {
            name: "Attempts",
            takes: (&[], "no argument"),
            gives: Kind::Int,
            usage: "write Attempts() < 2",
        },
        Signature {
            name: "ResponseCode",
            takes: (&[], "no argument"),
            gives: Kind::Int,
            usage: "write ResponseCode() == 503",
        },
        Signature {
            name: "RequestMethod",
            takes: (&[], "no argument"),
            gives: Kind::Text,
            usage: "write RequestMethod() == \"GET\"",
        },
    ];
    const WORDS: Words = Words {
        expression: "predicate",
        function: "function",
        example: "Attempts() < 2",
        grammar: CONDITIONS,
    };

    fn call(
        function: &'static Signature,
        arguments: Vec<(Literal, usize)>,
    ) -> Result<Call, SyntaxError> {
        Ok(Call::new(function, arguments))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_go_reads_as_the_same_is_the_same() {
        for (text, printed) in [
            (Predicate::DEFAULT, Predicate::DEFAULT),
            (" Attempts ( ) <\n010 ", "Attempts() < 10"),
            (
                "\u{feff}(((IsNetworkError())))\n\n// why\n",
                "IsNetworkError()",
            ),
            (
                "/* a */ (Attempts()) /* b */ >= ((2)) /* c\nd */",
                "Attempts() >= 2",
            ),
            (
                "RequestMethod() != `G\r\"T`",
                "RequestMethod() != \"G\\\"T\"",
            ),
            (
                r#"RequestMethod() == "\x47\105\u0054\n\xff""#,
                r#"RequestMethod() == "GET\u000a\xff""#,
            ),
            (
                "IsNetworkError() || (IsNetworkError() && Attempts() < 2)",
                "IsNetworkError() || IsNetworkError() && Attempts() < 2",
            ),
            (
                "IsNetworkError() && (IsNetworkError() && (IsNetworkError() || Attempts() < 2))",
                "IsNetworkError() && (IsNetworkError() && (IsNetworkError() || Attempts() < 2))",
            ),
        ] {
            let predicate: Predicate = text.parse().unwrap();
            assert_eq!(predicate.to_string(), printed, "{text:?}");
            assert_eq!(printed.parse(), Ok(predicate), "{text:?}");
        }
    }

    #[test]
    fn what_vulcand_refuses_is_refused_where_it_is_wrong() {
        for (text, offset) in [
            ("", 0),
            (" ", 1),
            ("// nothing", 10),
            ("IsNetworkError", 0),
            ("IsNetworkError()\n&& Attempts() < 2", 16),
            ("IsNetworkError() /*\n*/ && Attempts() < 2", 17),
            ("(IsNetworkError()\n)", 17),
            ("((IsNetworkError())", 19),
            ("IsNetworkError())", 16),
            ("IsNetworkError();", 16),
            ("IsNetworkError() && 1", 20),
            ("IsNetworkError() == IsNetworkError()", 0),
            ("IsNetworkError(1)", 0),
            ("IsNetworkError(,)", 15),
            ("Attempts() < 2 < 3", 0),
            ("2 > Attempts()", 0),
            ("Attempts() < Attempts()", 13),
            ("Attempts() < 2.0", 11),
            ("Attempts() < \"2\"", 11),
            ("Attempts() < -2", 13),
            ("Attempts() < 08", 13),
            ("Attempts() < 0b1", 13),
            ("Attempts() < 9223372036854775808", 13),
            ("Attempts() <- 2", 12),
            ("RequestMethod() < \"A\"", 16),
            ("RequestMethod() == 'A'", 19),
            ("RequestMethod() == \"\\'\"", 20),
            ("RequestMethod() == \"\\ud800\"", 20),
            ("RequestMethod() == \"A", 19),
            ("RequestMethod() == `A\0`", 21),
            ("IsNetworkError() /* ", 17),
            ("req.IsNetworkError()", 3),
            ("ISNETWORKERROR()", 0),
        ] {
            assert_eq!(
                text.parse::<Predicate>().map_err(|e| e.offset),
                Err(offset),
                "{text:?}"
            );
        }
    }

    #[test]
    fn deep_and_long_predicates_are_read_without_recursion() {
        let deep = format!("{}IsNetworkError(){}", "(".repeat(9_999), ")".repeat(9_999));
        assert_eq!(
            deep.parse::<Predicate>().unwrap().to_string(),
            "IsNetworkError()"
        );
        let long = vec!["IsNetworkError()"; 20_000].join(" && ");
        assert_eq!(long.parse::<Predicate>().unwrap().to_string(), long);
        assert!("(".repeat(1_000_000).parse::<Predicate>().is_err());
    }

    fn predicate() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("IsNetworkError()".to_owned()),
            ("Attempts|ResponseCode", "==|!=|<|<=|>|>=", 0..i64::MAX)
                .prop_map(|(f, op, n)| format!("{f}(){op}{n}")),
            ("==|!=", "[^`\0\u{feff}]*").prop_map(|(op, s)| format!("RequestMethod() {op} `{s}`")),
        ];
        leaf.prop_recursive(5, 24, 2, |inner| {
            (inner.clone(), "&&|\\|\\|", inner).prop_map(|(a, op, b)| format!("({a}){op}\n({b})"))
        })
    }

    proptest! {
        #[test]
        fn printing_is_read_as_the_same(text in predicate()) {
            let predicate: Predicate = text.parse().unwrap();
            let printed = predicate.to_string();
            let again: Predicate = printed.parse().unwrap();
            prop_assert_eq!(&again, &predicate);
            prop_assert_eq!(again.to_string(), printed);
        }

        #[test]
        fn any_text_is_read_or_refused_at_a_place_in_it(
            text in "(IsNetworkError\\(\\)|Attempts\\(\\)|[&|()<=0-9.\"`xe_\\\\\n/*-]| ){0,12}|\\PC*"
        ) {
            match text.parse::<Predicate>() {
                Ok(predicate) => prop_assert_eq!(predicate.to_string().parse(), Ok(predicate)),
                Err(error) => prop_assert!(error.offset <= text.len()),
            }
        }
    }
}
