//! A request as it is given on a command line.

use std::str::FromStr;

use anyhow::{Context as _, bail, ensure};
use romulus_core::vulcand::route::Request;
use serde::Serialize;

/// A header, `Name: value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Header {
    /// The name.
    pub name: String,
    /// The value, without blanks around it.
    pub value: String,
}

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WAY_OUT: &str = "a header is written `Name: value`";
        let (name, value) = text.split_once(':').ok_or(WAY_OUT)?;
        let is_sent = !name.is_empty() && name.bytes().all(is_token);
        if !is_sent || value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(WAY_OUT);
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.trim().to_owned(),
        })
    }
}

/// A method is any token; vulcand tells upper and lower case apart.
pub(super) fn method(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || !text.bytes().all(is_token) {
        return Err("a method is one word, as in GET");
    }
    Ok(text.to_owned())
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) host: String,
    pub(super) target: String,
    pub(super) headers: Vec<Header>,
    pub(super) request: Request,
}

impl Asked {
    pub(super) fn new(url: &str, method: &str, headers: &[Header]) -> anyhow::Result<Self> {
        let (mut host, target) =
            split(url).with_context(|| format!("{url:?} is no URL that can be asked"))?;
        let mut sent = Vec::new();
        for header in headers {
            if header.name.eq_ignore_ascii_case("host") {
                host.clone_from(&header.value);
            } else {
                sent.push(header.clone());
            }
        }
        ensure!(
            !host.is_empty(),
            "{url:?} names no host; write http://host{target}, or give it with -H 'Host: ...'"
        );
        let request = Request::new(method, &host, &target);
        let request = sent.iter().fold(request, |request, header| {
            request.header(&header.name, &header.value)
        });
        Ok(Self {
            host,
            target,
            headers: sent,
            request,
        })
    }
}

/// Host (with its port), and what stands on the request line.
fn split(url: &str) -> anyhow::Result<(String, String)> {
    if let Some(c) = url
        .chars()
        .find(|c| !c.is_ascii() || c.is_control() || c.is_whitespace())
    {
        bail!("it has {c:?}; write it as it is sent, percent-encoded, a host in punycode");
    }
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => {
            let is_known = ["http", "https", "ws", "wss"]
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known));
            ensure!(is_known, "vulcand serves http and https, not {scheme}");
            rest
        }
        _ => url,
    };
    // Clients keep the fragment to themselves.
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, target) = match rest.find(['/', '?']) {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let target = if target.starts_with('/') {
        target.to_owned()
    } else {
        format!("/{target}")
    };
    Ok((host.to_owned(), target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_as_clients_split_them() {
        for (url, host, target) in [
            ("http://a.test/x?y=1#z", "a.test", "/x?y=1"),
            ("HTTPS://user:pass@a.test:8080", "a.test:8080", "/"),
            ("a.test", "a.test", "/"),
            ("a.test?x", "a.test", "/?x"),
            (
                "a.test/r?to=http://b.test/",
                "a.test",
                "/r?to=http://b.test/",
            ),
            ("/only/a/path", "", "/only/a/path"),
        ] {
            let expected = (host.to_owned(), target.to_owned());
            assert_eq!(split(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn a_host_header_is_the_host() {
        let headers = [
            "Host: b.test".parse().unwrap(),
            "x-env:blue ".parse().unwrap(),
        ];
        let asked = Asked::new("http://10.0.0.1:8181/x", "GET", &headers).unwrap();
        assert_eq!(asked.request.host(), "b.test");
        assert_eq!(asked.request.header_value("X-Env"), "blue");
        assert_eq!(asked.headers.len(), 1);
        assert!("no colon".parse::<Header>().is_err());
        assert!(": x".parse::<Header>().is_err());
    }
}
