//! URLs as Go's `net/url` parses them.
//!
//! Only what vulcand looks at is kept: scheme, host with port, path and query. What is refused is
//! what Go releases up to 1.25 refuse; later ones are stricter about hosts with several colons.

/// A parsed URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    /// The scheme in lower case; empty without one.
    pub(crate) scheme: String,
    /// Host and port with the escapes decoded; empty without an authority.
    pub(crate) host: String,
    /// The path with the escapes decoded.
    pub(crate) path: Vec<u8>,
    /// What stands behind the question mark.
    pub(crate) query: String,
}

/// What Go's `url.Parse` makes of a text; the error says why it is none.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let url = parse_without_fragment(text, false)?;
    unescape(fragment, Part::Other)?;
    Ok(url)
}

/// What Go's `url.ParseRequestURI` makes of a text: an absolute URI or an absolute path.
pub(crate) fn parse_request_uri(text: &str) -> Result<Url, String> {
    parse_without_fragment(text, true)
}

fn parse_without_fragment(text: &str, via_request: bool) -> Result<Url, String> {
    if text.bytes().any(|b| b < b' ' || b == 0x7f) {
        return Err("it has a control character".to_owned());
    }
    if text.is_empty() && via_request {
        return Err("it is empty".to_owned());
    }
    let mut url = Url {
        scheme: String::new(),
        host: String::new(),
        path: vec![],
        query: String::new(),
    };
    if text == "*" {
        url.path = b"*".to_vec();
        return Ok(url);
    }
    let (scheme, rest) = split_scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    query.clone_into(&mut url.query);
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            // An opaque URL such as mailto:x: nothing in it is looked at.
            return Ok(url);
        }
        if via_request {
            return Err("it is neither a URL with a scheme nor an absolute path".to_owned());
        }
        if rest
            .split('/')
            .next()
            .is_some_and(|segment| segment.contains(':'))
        {
            return Err("there is a colon in its first path segment".to_owned());
        }
    }
    let has_authority = !url.scheme.is_empty() || !via_request && !rest.starts_with("///");
    let path = match rest.strip_prefix("//") {
        Some(authority) if has_authority => {
            let (authority, path) =
                authority.split_at(authority.find('/').unwrap_or(authority.len()));
            url.host = host_of(authority)?;
            path
        }
        _ => rest,
    };
    url.path = unescape(path, Part::Other)?;
    Ok(url)
}

/// Splits off the scheme; a text that can't begin with one has none.
fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')));
    match end {
        Some(0) if text.starts_with(':') => Err("it begins with a colon".to_owned()),
        Some(end)
            if text[end..].starts_with(':')
                && text.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            Ok((&text[..end], &text[end + 1..]))
        }
        _ => Ok(("", text)),
    }
}

fn host_of(authority: &str) -> Result<String, String> {
    let Some((user, host)) = authority.rsplit_once('@') else {
        return parse_host(authority);
    };
    let host = parse_host(host)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !user.chars().all(allowed) {
        return Err("its user name has a character that must be escaped".to_owned());
    }
    unescape(user, Part::Other)?;
    Ok(host)
}

fn parse_host(host: &str) -> Result<String, String> {
    let (name, port) = if host.starts_with('[') {
        let end = host
            .rfind(']')
            .ok_or("`]` is missing behind its IPv6 address")?;
        (&host[..end], &host[end + 1..])
    } else {
        host.split_at(host.rfind(':').unwrap_or(host.len()))
    };
    let digits = port
        .strip_prefix(':')
        .unwrap_or(if port.is_empty() { "" } else { "?" });
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("`{port}` is not a port"));
    }
    // The zone of an IPv6 address may hold more escapes than a host.
    let zone = if host.starts_with('[') {
        name.find("%25")
    } else {
        None
    };
    let bytes = match zone {
        Some(zone) => {
            let mut bytes = unescape(&name[..zone], Part::Host)?;
            bytes.extend(unescape(&name[zone..], Part::Zone)?);
            bytes.extend(unescape(&host[name.len()..], Part::Host)?);
            bytes
        }
        None => unescape(host, Part::Host)?,
    };
    // No name on the net is other than UTF-8: that such a host is none is all that matters.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Where an escape stands, which decides what may be escaped and what must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Zone,
    Other,
}

fn unescape(text: &str, part: Part) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            if part != Part::Other && byte.is_ascii() && !may_stand_in_host(byte) {
                return Err(format!("`{}` can't stand in a host", char::from(byte)));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let hex = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
        let (Some(high), Some(low)) = (hex(at + 1), hex(at + 2)) else {
            return Err("a `%` in it is not followed by two hex digits".to_owned());
        };
        let value = u8::try_from(high * 16 + low).unwrap_or(b'?');
        let allowed = match part {
            // A host may escape what is not ASCII, and the percent sign of a zone.
            Part::Host => high >= 8 || value == b'%',
            Part::Zone => matches!(value, b'%' | b' ') || may_stand_in_host(value),
            Part::Other => true,
        };
        if !allowed {
            return Err(format!("`%{high:X}{low:X}` can't stand in a host"));
        }
        out.push(value);
        at += 3;
    }
    Ok(out)
}

fn may_stand_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

impl Url {
    /// The first value of a query parameter, decoded; empty without one. Pairs that can't be
    /// decoded, or that have a semicolon, are skipped, as Go's `URL.Query` does.
    pub(crate) fn query_value(&self, name: &str) -> Vec<u8> {
        let decode = |text: &str| unescape(&text.replace('+', " "), Part::Other).ok();
        self.query
            .split('&')
            .filter(|pair| !pair.contains(';') && !pair.is_empty())
            .filter_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(key)?, decode(value)?))
            })
            .find(|(key, _)| key == name.as_bytes())
            .map(|(_, value)| value)
            .unwrap_or_default()
    }
}
