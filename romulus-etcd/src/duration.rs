//! Durations as Go writes them, for the flags of the original.

use std::time::Duration;

/// Units, the longer spelling before the one it begins with.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Parses a duration of Go's syntax (`time.ParseDuration`) that is not negative: `5s`, `1m30s`,
/// `1.5h`, `0`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let fail = || format!("{text:?} is not a duration like 5s, 300ms or 1m30s");
    let (negative, mut rest) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(fail());
    }
    let mut nanos = 0_u64;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(|| {
                format!("{text:?} has no unit; write it as in 5s (ns, us, ms, s, m, h)")
            })?;
        let (number, tail) = rest.split_at(end);
        let unit = |tail: &str| UNITS.into_iter().find(|(unit, _)| tail.starts_with(unit));
        let (name, scale) = unit(tail).ok_or_else(fail)?;
        let part = decimal(number, scale).ok_or_else(fail)?;
        nanos = nanos.checked_add(part).ok_or_else(fail)?;
        rest = &tail[name.len()..];
    }
    // Go's durations end there too: about 292 years.
    if nanos > i64::MAX.unsigned_abs() {
        return Err(fail());
    }
    if negative && nanos > 0 {
        return Err(format!(
            "{text:?} is negative; a duration like 5s is wanted"
        ));
    }
    Ok(Duration::from_nanos(nanos))
}

/// A decimal number times a scale, with the fraction rounded as Go rounds it: in `f64`.
fn decimal(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let (mut digits, mut power) = (0_u64, 1_f64);
    for digit in fraction.bytes().map(|digit| u64::from(digit - b'0')) {
        // Digits beyond what fits change nothing.
        if digits > (i64::MAX as u64) / 10 {
            break;
        }
        (digits, power) = (digits * 10 + digit, power * 10.0);
    }
    let part = (digits as f64 * (scale as f64 / power)) as u64;
    whole.checked_mul(scale)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_go_reads() {
        let table = [
            ("0", 0),
            ("-0", 0),
            ("+0", 0),
            ("0s", 0),
            ("-0s", 0),
            ("5s", 5_000_000_000),
            ("+5s", 5_000_000_000),
            ("5.s", 5_000_000_000),
            (".5s", 500_000_000),
            ("1.5h", 5_400_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1h2m3s4ms5us6ns", 3_723_004_005_006),
            ("10µs10μs10us", 30_000),
            ("1m1m", 120_000_000_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("0.100000000000000000000h", 360_000_000_000),
            ("0.000000001s", 1),
            ("0.0000000001s", 0),
            ("9223372036854775807ns", i64::MAX.unsigned_abs()),
        ];
        for (text, nanos) in table {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_go_refuses_and_what_we_do_too() {
        let table = [
            ("", r#""" is not a duration like 5s, 300ms or 1m30s"#),
            (
                "5",
                r#""5" has no unit; write it as in 5s (ns, us, ms, s, m, h)"#,
            ),
            (
                "5s5",
                r#""5s5" has no unit; write it as in 5s (ns, us, ms, s, m, h)"#,
            ),
            ("s", r#""s" is not a duration like 5s, 300ms or 1m30s"#),
            (".s", r#"".s" is not a duration like 5s, 300ms or 1m30s"#),
            (
                "1.2.3s",
                r#""1.2.3s" is not a duration like 5s, 300ms or 1m30s"#,
            ),
            ("5 s", r#""5 s" is not a duration like 5s, 300ms or 1m30s"#),
            ("5d", r#""5d" is not a duration like 5s, 300ms or 1m30s"#),
            ("-", r#""-" is not a duration like 5s, 300ms or 1m30s"#),
            (
                "--5s",
                r#""--5s" is not a duration like 5s, 300ms or 1m30s"#,
            ),
            (
                "9223372036854775808ns",
                r#""9223372036854775808ns" is not a duration like 5s, 300ms or 1m30s"#,
            ),
            (
                "3000000h",
                r#""3000000h" is not a duration like 5s, 300ms or 1m30s"#,
            ),
            ("-5s", r#""-5s" is negative; a duration like 5s is wanted"#),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), Err(expected.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,12}|[-+]?([0-9.]{0,25}(ns|us|µs|ms|s|m|h)?){0,4}") {
            let _ = parse(&text);
        }

        #[test]
        fn nanoseconds_survive(nanos in 0..=i64::MAX.unsigned_abs()) {
            prop_assert_eq!(parse(&format!("{nanos}ns")), Ok(Duration::from_nanos(nanos)));
        }
    }
}
