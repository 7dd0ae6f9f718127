//! Go's `time.Duration`, as vulcand's settings spell it.

use std::fmt;
use std::str::FromStr;

/// A span of time in nanoseconds, read and printed as Go's `time.ParseDuration` and
/// `Duration.String` do.
///
/// ```
/// use romulus_core::vulcand::GoDuration;
/// let duration: GoDuration = "1m30.5s".parse()?;
/// assert_eq!(duration.nanoseconds(), 90_500_000_000);
/// assert_eq!(duration.to_string(), "1m30.5s");
/// assert!("5".parse::<GoDuration>().is_err());
/// # Ok::<(), romulus_core::vulcand::DurationError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GoDuration(i64);

/// Why a text is not a Go duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// It is not a number with a unit.
    #[error("`{0}` is not a Go duration")]
    Invalid(Box<str>),
    /// A number has no unit.
    #[error(
        "`{0}` is not a Go duration: a unit is missing; write it as in 5s (ns, us, ms, s, m, h)"
    )]
    MissingUnit(Box<str>),
    /// The unit is none of Go's.
    #[error("`{text}` is not a Go duration: there is no unit `{unit}`")]
    UnknownUnit {
        /// The whole text.
        text: Box<str>,
        /// What stands where the unit should.
        unit: Box<str>,
    },
    /// It is longer than about 292 years.
    #[error("`{0}` is longer than a Go duration can be (2562047h47m16.854775807s)")]
    TooLong(Box<str>),
}

impl GoDuration {
    /// A duration of so many nanoseconds.
    pub const fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// The duration in nanoseconds.
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }

    /// The duration for timers; `None` where it is negative.
    pub fn to_std(self) -> Option<std::time::Duration> {
        u64::try_from(self.0)
            .ok()
            .map(std::time::Duration::from_nanos)
    }

    /// Whether it is zero, which vulcand takes for "not set".
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// The units, in nanoseconds; both spellings of micro: U+00B5 and U+03BC.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// One more than the longest positive duration: what a negative one may reach.
const LIMIT: u64 = 1 << 63;

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(text.into());
        let too_long = || DurationError::TooLong(text.into());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total = 0_u64;
        while !rest.is_empty() {
            let (whole, behind) = split_digits(rest);
            let (fraction, behind) = behind.strip_prefix('.').map_or(("", behind), split_digits);
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let end = behind.find(|c: char| c == '.' || c.is_ascii_digit());
            let (unit, behind) = behind.split_at(end.unwrap_or(behind.len()));
            let nanoseconds = match UNITS.iter().find(|(name, _)| *name == unit) {
                Some((_, nanoseconds)) => *nanoseconds,
                None if unit.is_empty() => return Err(DurationError::MissingUnit(text.into())),
                None => {
                    let unit = unit.into();
                    return Err(DurationError::UnknownUnit {
                        text: text.into(),
                        unit,
                    });
                }
            };
            let whole = if whole.is_empty() {
                Ok(0)
            } else {
                whole.parse::<u64>()
            };
            let part = whole
                .ok()
                .and_then(|whole| whole.checked_mul(nanoseconds))
                .and_then(|part| part.checked_add(part_of(fraction, nanoseconds)))
                .filter(|part| *part <= LIMIT);
            total = part
                .and_then(|part| total.checked_add(part))
                .filter(|total| *total <= LIMIT)
                .ok_or_else(too_long)?;
            rest = behind;
        }
        if negative {
            return Ok(Self(0_i64.wrapping_sub_unsigned(total)));
        }
        i64::try_from(total).map(Self).map_err(|_| too_long())
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

/// The nanoseconds of a decimal fraction, computed as Go does: digits beyond what 63 bits hold
/// are dropped, and the product is a double's, cut off.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "this is the arithmetic of Go's time.ParseDuration"
)]
fn part_of(fraction: &str, unit: u64) -> u64 {
    let (mut digits, mut scale) = (0_u64, 1_f64);
    for digit in fraction.bytes() {
        if digits > (LIMIT - 1) / 10 {
            break;
        }
        let next = digits * 10 + u64::from(digit - b'0');
        if next > LIMIT {
            break;
        }
        digits = next;
        scale *= 10.0;
    }
    (digits as f64 * (unit as f64 / scale)) as u64
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match total {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{total}ns"),
            1_000..1_000_000 => write_decimal(f, total, 1_000, "\u{b5}s"),
            1_000_000..1_000_000_000 => write_decimal(f, total, 1_000_000, "ms"),
            _ => {
                let minutes = total / 60_000_000_000;
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                write_decimal(f, total % 60_000_000_000, 1_000_000_000, "s")
            }
        }
    }
}

fn write_decimal(f: &mut fmt::Formatter<'_>, total: u64, unit: u64, name: &str) -> fmt::Result {
    let fraction = total % unit;
    if fraction == 0 {
        return write!(f, "{}{name}", total / unit);
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    write!(f, "{}.{}{name}", total / unit, digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_and_prints_as_go_does() {
        for (text, nanoseconds, printed) in [
            ("0", 0, "0s"),
            ("-0", 0, "0s"),
            ("+5s", 5_000_000_000, "5s"),
            ("1h30m", 5_400_000_000_000, "1h30m0s"),
            ("1.5us", 1_500, "1.5\u{b5}s"),
            ("100\u{3bc}s", 100_000, "100\u{b5}s"),
            (".5s.5s", 1_000_000_000, "1s"),
            ("2.1ms", 2_100_000, "2.1ms"),
            ("0.0000000001s", 0, "0s"),
            ("0.3333333333333333333h", 1_200_000_000_000, "20m0s"),
            ("0.100000000000000000000h", 360_000_000_000, "6m0s"),
            (
                "2562047h47m16.854775807s",
                i64::MAX,
                "2562047h47m16.854775807s",
            ),
            (
                "-2562047h47m16.854775808s",
                i64::MIN,
                "-2562047h47m16.854775808s",
            ),
            (
                "-9223372036854775808ns",
                i64::MIN,
                "-2562047h47m16.854775808s",
            ),
        ] {
            let duration: GoDuration = text.parse().unwrap();
            assert_eq!(
                (duration.0, &*duration.to_string()),
                (nanoseconds, printed),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_go_refuses_and_says_why() {
        let invalid = |text: &str| DurationError::Invalid(text.into());
        let too_long = |text: &str| DurationError::TooLong(text.into());
        for text in [
            "", "-", "s", ".s", " 5s", "--5s", "+-5s", "inf", "\u{663}s", "1s s",
        ] {
            let error = text.parse::<GoDuration>().unwrap_err();
            let unit = DurationError::UnknownUnit {
                text: text.into(),
                unit: "s s".into(),
            };
            assert_eq!(error, if text == "1s s" { unit } else { invalid(text) });
        }
        for text in [
            "2562047h48m",
            "9223372036854775808ns",
            "18446744073709551616ns",
            "3000000h",
        ] {
            assert_eq!(text.parse::<GoDuration>(), Err(too_long(text)));
        }
        assert_eq!(
            "1.5.5s".parse::<GoDuration>(),
            Err(DurationError::MissingUnit("1.5.5s".into()))
        );
        assert_eq!(
            "00".parse::<GoDuration>(),
            Err(DurationError::MissingUnit("00".into()))
        );
    }

    proptest! {
        #[test]
        fn every_duration_round_trips(nanoseconds: i64) {
            let duration = GoDuration::from_nanoseconds(nanoseconds);
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+.0-9nuµmsh ]{0,24}|\\PC*") {
            if let Ok(duration) = text.parse::<GoDuration>() {
                prop_assert_eq!(duration.to_string().parse(), Ok(duration));
            }
        }
    }
}
