//! Go's number literals, as far as vulcand reads them.

use super::{Literal, SyntaxError};

/// Reads the number that begins at an offset; says how many bytes it takes.
///
/// Go's parser takes more kinds of numbers than vulcand, which reads whole ones by `strconv.Atoi`
/// (decimal digits only) and others by `strconv.ParseFloat`.
pub(super) fn number(text: &str, start: usize) -> Result<(usize, Literal), SyntaxError> {
    let rest = &text[start..];
    let end = rest.find(|c: char| c != '_' && c != '.' && !c.is_ascii_alphanumeric());
    let unread = || {
        let message = format!(
            "vulcand can't read the number `{}`",
            &rest[..end.unwrap_or(rest.len())]
        );
        SyntaxError::new(start, message, "write it in decimal digits")
    };
    let hex = rest.starts_with("0x") || rest.starts_with("0X");
    let mut at = if hex { 2 } else { 0 };
    let mut has_digits = skip_digits(rest, &mut at, hex);
    let mut whole = true;
    if rest[at..].starts_with('.') {
        whole = false;
        at += 1;
        has_digits |= skip_digits(rest, &mut at, hex);
    }
    let exponent = rest[at..].starts_with(if hex { ['p', 'P'] } else { ['e', 'E'] });
    if exponent {
        at += 1;
        at += usize::from(rest[at..].starts_with(['+', '-']));
        if !skip_digits(rest, &mut at, false) {
            return Err(unread());
        }
        whole = false;
    }
    if rest[at..].starts_with(|c: char| c == '_' || c.is_ascii_alphabetic()) {
        return Err(unread());
    }
    let number = &rest[..at];
    if whole {
        let octal = number.len() > 1 && number.starts_with('0');
        return match number.parse() {
            Ok(n) if !(octal && number.contains(['8', '9'])) => Ok((at, Literal::Int(n))),
            _ => Err(unread()),
        };
    }
    let value = if !has_digits || !underscores_separate_digits(number) {
        None
    } else if hex {
        hex_float(&number[2..].replace('_', ""))
    } else {
        number.replace('_', "").parse().ok()
    };
    match value.filter(|value: &f64| value.is_finite()) {
        Some(value) => Ok((at, Literal::Float(value))),
        None => Err(unread()),
    }
}

/// Skips digits and underscores; says whether there were any.
fn skip_digits(text: &str, at: &mut usize, hex: bool) -> bool {
    let radix = if hex { 16 } else { 10 };
    let rest = &text[*at..];
    let length = rest
        .find(|c: char| c != '_' && !c.is_digit(radix))
        .unwrap_or(rest.len());
    *at += length;
    length > 0
}

/// Whether every underscore of a number stands between two digits (or a base prefix and one).
fn underscores_separate_digits(number: &str) -> bool {
    let bytes = number.as_bytes();
    bytes.iter().enumerate().all(|(at, b)| {
        let is_digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_hexdigit);
        let prefix = at == 2 && matches!(bytes[1], b'x' | b'X');
        *b != b'_'
            || (at > 0 && (prefix || is_digit(bytes.get(at - 1))) && is_digit(bytes.get(at + 1)))
    })
}

/// The value of a hexadecimal float behind its `0x`: `1.8p-1` is 0.75.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut value = 0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    // Go caps exponents that no double could have long before they overflow.
    let exponent = exponent.parse::<i64>().unwrap_or(0).clamp(-20_000, 20_000);
    let exponent = i32::try_from(exponent).ok()?.checked_sub(shift)?;
    Some(if value == 0.0 {
        0.0
    } else {
        value * 2_f64.powi(exponent)
    })
}
