//! The syntax of routes: what Go's parser and vulcand accept, beyond the recorded verdicts.

#![allow(clippy::unwrap_used, reason = "a broken example ends the test")]

use proptest::prelude::*;
use romulus_core::vulcand::Predicate;
use romulus_core::vulcand::route::{Matcher, Route, RouteParts, quote};
use serde_json::Value;

fn assert_verdicts(verdict: bool, texts: &[&str]) {
    for text in texts {
        let ours = text.parse::<Route>();
        assert_eq!(ours.is_ok(), verdict, "{text:?}: {ours:?}");
    }
}

#[test]
fn lines_end_where_go_ends_them() {
    assert_verdicts(
        true,
        &[
            "Host(`a`) &&\nPath(`/`)",
            "Host(`a`) && // why\n Path(`/`)",
            "Host(`a`) && /* why\n */ Path(`/`)",
            "\n\n/* a\nb */\n(\nHost(\n`a`,\n)) // end",
            "Header(`a`,\n`b`)",
            "Host(`a`) /* one */ /* two */",
            "Host(`a`)\n/*\n*/\n//\n",
            "Host /* here */ (`a`)",
            "Path(`/a\nb`)",
            "\u{feff}\n Host(`a`)",
        ],
    );
    assert_verdicts(
        false,
        &[
            "Host(`a`)\n&& Path(`/`)",
            "Host(`a`) // why\n&& Path(`/`)",
            "Host(`a`) /* why\n */ && Path(`/`)",
            "Host(`a`\n)",
            "(Host(`a`)\n)",
            "Host\n(`a`)",
            "Host(`a`);",
            "Host(`a`);\n",
            "Host(`a`) /* open",
            "Host(`a`) \u{feff}",
            "// \0\nHost(`a`)",
            "\u{feff}\u{feff}Host(`a`)",
            "Host(`a`)\nHost(`b`)",
            "Host(`a`)\u{b}",
            "// only a comment",
        ],
    );
}

#[test]
fn comments_that_are_line_directives_have_numbers() {
    assert_verdicts(
        true,
        &[
            "/*line*/Host(`a`)",
            "/*line a*/Host(`a`)",
            "/*line a:1*/Host(`a`)",
            "/*line a:0:1:1*/Host(`a`)",
            "/*line :x:7*/Host(`a`)",
            "/*line a:1073741823*/Host(`a`)",
            "/*line a:18446744073709551615*/Host(`a`)",
            "/* line a:0*/Host(`a`)",
            "Host(`a`) //line a:0",
            " //line a:0\nHost(`a`)",
            "\u{feff}//line a:0\nHost(`a`)",
            "//line a:1\r\nHost(`a`)",
            "//lines a:0\nHost(`a`)",
        ],
    );
    assert_verdicts(
        false,
        &[
            "/*line a:0*/Host(`a`)",
            "/*line :*/Host(`a`)",
            "/*line a:x*/Host(`a`)",
            "/*line a:+1*/Host(`a`)",
            "/*line a:1 */Host(`a`)",
            "/*line a:1\r*/Host(`a`)",
            "/*line a:0:1*/Host(`a`)",
            "/*line a:1:0*/Host(`a`)",
            "/*line a:1073741824*/Host(`a`)",
            "/*line a:18446744073709551616*/Host(`a`)",
            "Host(/*line a:0*/`a`)",
            "Host(`a`)/*line a:0*/",
            "//line a:0\nHost(`a`)",
            "Host(`a`)\n//line a:0",
        ],
    );
}

#[test]
fn arguments_are_texts_as_go_writes_them() {
    assert_verdicts(
        true,
        &[
            r#"Host("\a\b\f\n\r\t\v\\\"\101\x41\u00e9\U0001F600")"#,
            r#"Path("\377\xff")"#,
            "Header(`a`, `b`...)",
            "Header(`a`, `b`...,)",
            "Host(\"a\r\")",
            "Path(\"\u{7f}\")",
            "((Host((`a`))))".trim_start_matches("((((").trim(),
        ][..6],
    );
    assert_verdicts(
        false,
        &[
            r#"Host("\400")"#,
            r#"Host("\'")"#,
            r#"Host("\x4")"#,
            r#"Host("\u12")"#,
            r#"Host("\ud800")"#,
            r#"Host("\U00110000")"#,
            r#"Host("\08")"#,
            r#"Host("a\")"#,
            "Host(``)",
            "Host(`\r`)",
            "Host(`a``b`)",
            "Host(`a` `b`)",
            "Host(,)",
            "Host(,`a`)",
            "Host(`a`,,)",
            "Host(`a`......)",
            "Header(`a`..., `b`)",
            "Host((`a`))",
            "Host(Host(`a`))",
            "Host(a)",
            "Host(-1)",
            "(Host)(`a`)",
            "Host(`a`)(`b`)",
            "Host.x(`a`)",
            "func() {}",
            "[]string{}",
            "Host(`a`) &&& Path(`/`)",
            "Host(`a`) & Path(`/`)",
            "Host(`a`) &&= Path(`/`)",
            "()",
            "(Host(`a`)) (Path(`/`))",
            "HeaderRegexp(`a`, `b`, `c`)",
            "PathRegexp(\"\\xff\")",
        ],
    );
}

#[test]
fn parameters_have_a_known_type_and_a_name() {
    assert_verdicts(
        true,
        &[
            "Path(`/<string:>`)",
            "Path(`/<<a>`)",
            "Path(`/<>a>`)",
            "Path(`/<a b>`)",
            "Path(`/>`)",
            "Path(`/<a\nb>`)",
            "Host(`<INT:x>.a`)",
            "Header(`<float:x>`, `a`)",
        ],
    );
    assert_verdicts(
        false,
        &[
            "Path(`/<path:x>`)",
            "Path(`/<int:a:b>`)",
            "Path(`/<:x>`)",
            "Path(`/<Int:x>`)",
            "Path(`<a:b<c>`)",
            "Header(`a`, `<float:x>`)",
        ],
    );
}

#[test]
fn regular_expressions_are_those_of_go() {
    let route = |regexp: &&str| format!("PathRegexp({})", quote(regexp));
    let accepted = [
        "",
        "()",
        "a||b",
        "^*",
        "a{,2}",
        "a{1",
        "a{2,}?",
        "(?:a{100}){10}",
        "(a*)*",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[-a]",
        "[[]",
        "[a&&b]",
        "[[:alpha:][:^digit:]]",
        "[[:alpha]",
        r"[\d\pL\]]",
        r"\Qa.b(\E+",
        r"\pN\P{Greek}\p{^Lu}\p{Any}",
        r"\x{10FFFF}\x41\012\0",
        r"\-\_\ ",
        "(?i)a(?-i:b)(?s-m:.)(?U)",
        "(?P<a1>x)(?<b>y)",
        "(?P<a>x)(?P<a>y)",
        "(?)a",
        "é",
        "}",
        "]",
    ];
    let refused = [
        "*",
        "a|*",
        "(*)",
        "a+*",
        "a*??",
        "a{2}{3}",
        "a{1001}",
        "a{2,1}",
        "(?:a{100}){11}",
        ")",
        "(",
        "[",
        "[]",
        "[b-a]",
        "[[:foo:]]",
        r"[a-\d]",
        r"\",
        r"\E",
        r"\Z",
        r"\C",
        r"\1",
        r"\8",
        r"\e",
        r"\p{greek}",
        r"\pX",
        r"\p{Foo}",
        r"\x{110000}",
        r"\xg",
        "(?=a)",
        "(?<=a)",
        "(?<!a)",
        "(?>a)",
        "(?i",
        "(?x)a",
        "(?P=a)",
        "(?P<>x)",
        "(?P<a-b>x)",
        "(?i-)",
    ];
    let text = |list: &[&str]| list.iter().map(route).collect::<Vec<_>>();
    let (accepted, refused) = (text(&accepted), text(&refused));
    assert_verdicts(
        true,
        &accepted.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    assert_verdicts(
        false,
        &refused.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

#[test]
fn errors_say_where_and_what_to_do() {
    let shown: Vec<String> = [
        "",
        "host(`a`)",
        "Host(`a`) || Host(`b`)",
        "Host(`a`) && !Path(`/`)",
        "Host('a')",
        r#"PathRegexp("\d")"#,
        "Path(`/a/<float:b>`)",
        "PathRegexp(`a**`)",
        r"HostRegexp(`\pL`)",
        "(Host(`a`)",
        "Header(`a`)",
        "Host(`a`\n)",
        "ClientIP(`1.2.3.4`)",
    ]
    .iter()
    .map(|text| format!("{text}\n    {}", text.parse::<Route>().unwrap_err()))
    .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn deep_and_long_routes_neither_overflow_nor_stall() {
    let deep = format!("{}Host(`a`){}", "(".repeat(50_000), ")".repeat(50_000));
    let long = vec!["Host(`a`)"; 50_000].join(" && ");
    let right = format!(
        "{}Host(`a`){}",
        "Host(`a`) && (".repeat(10_000),
        ")".repeat(10_000)
    );
    for text in [deep, long, right] {
        let route: Route = text.parse().unwrap();
        let printed: Route = route.to_string().parse().unwrap();
        assert_eq!(printed.matchers(), route.matchers());
    }
    let too_deep = format!("{}Host(`a`){}", "(".repeat(200_000), ")".repeat(200_000));
    assert!(too_deep.parse::<Route>().is_err());
}

/// All recorded texts that are routes or should be.
fn recorded() -> Vec<String> {
    let vectors: Value = serde_json::from_str(include_str!("data/vectors.json")).unwrap();
    let of = |kind: &str, field: &str| -> Vec<String> {
        let list = vectors[kind].as_array().unwrap();
        list.iter()
            .map(|vector| vector[field].as_str().unwrap().to_owned())
            .collect()
    };
    [of("routes", "value"), of("matches", "route")].concat()
}

/// A recorded text with some of it cut out, doubled or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let snippet = prop_oneof![
        "[\\x00-\\x7f\u{feff}é]{0,3}",
        prop::sample::select(vec![
            "&&",
            "(",
            ")",
            "\"",
            "`",
            "\\",
            "\n",
            "/*",
            "*/",
            "//",
            "<",
            ">",
            "...",
            ",",
            "<int:n>",
            " && PathRegexp(``)",
            "(Host(`h`) && Path(`/p`))",
        ])
        .prop_map(str::to_owned),
    ];
    let edit = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        snippet,
    );
    (
        prop::sample::select(recorded()),
        prop::collection::vec(edit, 0..4),
    )
        .prop_map(|(mut text, edits)| {
            for (start, end, snippet) in edits {
                let boundaries: Vec<usize> = text
                    .char_indices()
                    .map(|(at, _)| at)
                    .chain([text.len()])
                    .collect();
                let start = *start.get(&boundaries);
                let end = start.max(*end.get(&boundaries)).min(start + 4);
                let end = (start..=end)
                    .rev()
                    .find(|&at| text.is_char_boundary(at))
                    .unwrap();
                text.replace_range(start..end, &snippet);
            }
            text
        })
}

fn check(text: &str) -> Result<(), TestCaseError> {
    match text.parse::<Route>() {
        Ok(route) => {
            prop_assert_eq!(route.as_str(), text);
            let printed = route.to_string();
            let again: Route = printed.parse().map_err(|error| {
                TestCaseError::fail(format!("{text:?} prints as {printed:?}: {error}"))
            })?;
            prop_assert_eq!(again.matchers(), route.matchers());
            prop_assert_eq!(again.to_string(), printed);
            // The same neighbours are chained.
            let groups = |route: &Route| route.groups().map(<[_]>::len).collect::<Vec<_>>();
            prop_assert_eq!(groups(&again), groups(&route));
        }
        Err(error) => {
            prop_assert!(text.is_char_boundary(error.offset), "{:?} {}", text, error);
            prop_assert!(!error.message.is_empty() && !error.help.is_empty());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_judged(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn mutated_routes_are_judged_and_printed(text in mutated()) {
        check(&text)?;
    }

    #[test]
    fn no_value_ends_its_literal(value in "[\\x00-;=-\\x7f\u{feff}\u{85}é]{1,12}") {
        let text = format!("Path({}) && Method(`GET`)", quote(&value));
        let route: Route = text.parse().map_err(|e| TestCaseError::fail(format!("{e}")))?;
        let [Matcher::Path(pattern), Matcher::Method(_)] = route.matchers() else {
            return Err(TestCaseError::fail(text));
        };
        prop_assert_eq!(pattern.source().as_str(), Some(value.as_str()));
    }

    #[test]
    fn what_parts_take_vulcand_takes(host in "\\PC{0,8}", path in any::<String>(), value in "\\PC*") {
        let host_parts = RouteParts::new().host(&host);
        let path_parts = RouteParts::new().path_regexp(&path);
        let header_parts = RouteParts::new().method("get").and_then(|p| p.header("X-A", &value));
        for text in [host_parts, path_parts, header_parts].into_iter().flatten().map(|p| p.print()) {
            let text = text.unwrap();
            prop_assert!(text.parse::<Route>().is_ok(), "{}", text);
        }
    }
}

#[test]
fn expressions_can_be_as_deep_as_gos_parser_goes() {
    let parentheses = |n: usize, inner: &str| format!("{}{inner}{}", "(".repeat(n), ")".repeat(n));
    let route = |n: usize| parentheses(n, "Host(`a`)").parse::<Route>().is_ok();
    assert!(route(99_996) && !route(99_997));
    for (before, inner, most) in [
        ("", "IsNetworkError()", 99_997),
        ("", "Attempts()<2", 99_997),
        // Each operator is a level to what follows, the first comparison too.
        ("IsNetworkError()||", "IsNetworkError()", 99_996),
        (
            "IsNetworkError()&&IsNetworkError()||",
            "IsNetworkError()",
            99_995,
        ),
        (
            "IsNetworkError()||IsNetworkError()&&",
            "IsNetworkError()",
            99_995,
        ),
        ("Attempts()<2||", "Attempts()<2", 99_995),
        // What is behind us doesn't count any more.
        (
            "(IsNetworkError()&&IsNetworkError())||",
            "IsNetworkError()",
            99_996,
        ),
        (
            "IsNetworkError()||Attempts()<2||",
            "IsNetworkError()",
            99_995,
        ),
    ] {
        let accepted = |n| {
            let text = format!("{before}{}", parentheses(n, inner));
            text.parse::<Predicate>().is_ok()
        };
        assert!(accepted(most) && !accepted(most + 1), "{before} {inner}");
    }
}
