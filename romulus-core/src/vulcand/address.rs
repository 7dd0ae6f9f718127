//! Addresses of hosts and ports, as Go's `net` splits them.

/// The number of a port; none is port 0, and Go knows some by name wherever it runs.
pub(crate) fn port_number(port: &str) -> Option<u16> {
    Some(match &*port.to_lowercase() {
        "" => 0,
        "ftp" => 21,
        "ssh" => 22,
        "telnet" => 23,
        "smtp" => 25,
        "domain" => 53,
        "gopher" => 70,
        "http" => 80,
        "pop3" => 110,
        "imap2" => 143,
        "imap3" => 220,
        "https" => 443,
        "submission" => 587,
        "ftps" => 990,
        "imaps" => 993,
        "pop3s" => 995,
        // A sign alone is port 0 to Go, and so is minus nothing.
        number => {
            let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
            let port = match digits {
                "" => 0,
                digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
                _ => return None,
            };
            if number.starts_with('-') && port != 0 {
                return None;
            }
            port
        }
    })
}

/// Go's `net.SplitHostPort`.
pub(crate) fn split_host_port(address: &str) -> Result<(&str, &str), String> {
    if address.is_empty() {
        return Err("it is empty".to_owned());
    }
    let (host, port) = address.rsplit_once(':').ok_or("it has no port")?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner
            .strip_suffix(']')
            .ok_or("it has no port behind its brackets")?,
        None if host.contains(':') => return Err("it has too many colons".to_owned()),
        None => host,
    };
    if host.contains(['[', ']']) || port.contains(['[', ']']) {
        return Err("it has a bracket where none can be".to_owned());
    }
    Ok((host, port))
}
