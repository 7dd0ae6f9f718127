use std::fmt;
use std::str::FromStr;

use crate::cluster::is_dns_label;
use crate::vulcand::route::Pattern;

/// Which hosts the namespaces of a cluster may claim.
///
/// Without a rule every namespace may claim every host. With one, each may claim what a rule for
/// it, or for `*`, names, and nothing else: a route without a host, or with a regular expression
/// for it, claims every host.
///
/// ```
/// use romulus_core::config::HostRules;
/// let rules: HostRules = ["shop=*.shop.test".parse()?, "shop=shop.test".parse()?]
///     .into_iter()
///     .collect();
/// assert!(rules.permit("shop", Some("www.shop.test")));
/// assert!(!rules.permit("shop", Some("www.shop.test.evil.test")));
/// assert!(!rules.permit("shop", None), "a route for every host");
/// assert!(!rules.permit("blog", Some("shop.test")));
/// # Ok::<(), romulus_core::config::HostRuleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostRules(Vec<HostRule>);

impl FromIterator<HostRule> for HostRules {
    fn from_iter<T: IntoIterator<Item = HostRule>>(rules: T) -> Self {
        Self(rules.into_iter().collect())
    }
}

impl HostRules {
    /// Whether the namespace may claim a host, with vulcand's parameters if it has some; `None`
    /// is every host.
    pub fn permit(&self, namespace: &str, host: Option<&str>) -> bool {
        self.0.is_empty()
            || self.of(namespace).any(|hosts| match (hosts, host) {
                (Hosts::All, _) => true,
                (_, None) => false,
                (Hosts::Exactly(name), Some(host)) => host == &**name,
                (Hosts::Below(suffix), Some(host)) => host
                    .strip_suffix(&**suffix)
                    .is_some_and(|sub| !sub.is_empty()),
            })
    }

    /// Whether the namespace may claim the host of a route, as vulcand reads it.
    pub(crate) fn permit_pattern(&self, namespace: &str, host: Option<&Pattern>) -> bool {
        let text = host.map(|host| host.source().to_string());
        self.permit(namespace, text.as_deref())
    }

    /// What the namespace may claim, for messages.
    pub(crate) fn list(&self, namespace: &str) -> String {
        let hosts: Vec<String> = self.of(namespace).map(ToString::to_string).collect();
        hosts.join(", ")
    }

    fn of(&self, namespace: &str) -> impl Iterator<Item = &Hosts> {
        let rules = self.0.iter().filter(move |rule| {
            let named = rule.namespace.as_deref();
            named.is_none_or(|named| named == namespace)
        });
        rules.map(|rule| &rule.hosts)
    }
}

/// One rule: `NAMESPACE=PATTERN`.
///
/// The namespace may be `*`, all of them. The pattern is a host, `*.` and a domain (whatever is
/// below it), or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRule {
    namespace: Option<Box<str>>,
    hosts: Hosts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    Exactly(Box<str>),
    /// With its leading dot.
    Below(Box<str>),
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Exactly(name) => f.write_str(name),
            Self::Below(suffix) => write!(f, "*{suffix}"),
        }
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = self.namespace.as_deref().unwrap_or("*");
        write!(f, "{namespace}={}", self.hosts)
    }
}

/// Why a text is no rule for hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `NAMESPACE=PATTERN`, like `shop=www.example.com` or `shop=*.example.com`")]
pub struct HostRuleError(String);

impl FromStr for HostRule {
    type Err = HostRuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || HostRuleError(text.to_owned());
        let (namespace, pattern) = text.split_once('=').ok_or_else(error)?;
        let pattern = pattern.to_ascii_lowercase();
        // No character that could be part of a parameter, so that a suffix is never inside one.
        let is_name = |name: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            let mut labels = name.split('.');
            labels.all(|label| !label.is_empty() && label.bytes().all(plain))
        };
        let hosts = match pattern.strip_prefix('*') {
            Some("") => Hosts::All,
            Some(suffix) if suffix.strip_prefix('.').is_some_and(is_name) => {
                Hosts::Below(suffix.into())
            }
            None if is_name(&pattern) => Hosts::Exactly(pattern.into()),
            _ => return Err(error()),
        };
        let namespace = match namespace {
            "*" => None,
            name if is_dns_label(name) => Some(name.into()),
            _ => return Err(error()),
        };
        Ok(Self { namespace, hosts })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vulcand::route::{Request, RouteParts, RouteTable};

    #[test]
    fn rules_round_trip_and_others_are_refused() {
        for text in ["shop=www.a.test", "*=*.a.test", "shop=*", "*=*", "a=b"] {
            assert_eq!(text.parse::<HostRule>().unwrap().to_string(), text);
        }
        let shouted: HostRule = "shop=WWW.A.test".parse().unwrap();
        assert_eq!(shouted.to_string(), "shop=www.a.test");
        for text in [
            "",
            "shop",
            "shop=",
            "=a.test",
            "Shop=a",
            "a.b=c",
            "shop=*a.test",
            "shop=a.*.test",
            "shop=*.",
            "shop=a..test",
            "shop=.a",
            "shop=<x>.a",
            "shop=a:80",
            "shop=a/b",
            "s*=a",
        ] {
            assert_eq!(text.parse::<HostRule>(), Err(HostRuleError(text.into())));
        }
    }

    proptest! {
        /// Whatever a host's text: what is permitted never answers for a host outside.
        #[test]
        fn what_is_permitted_stays_below_its_domain(
            claimed in "[a<>:.*x]{0,5}(\\.a\\.test|\\.b\\.test)?",
            asked in "[ax.]{1,5}(\\.a\\.test|\\.b\\.test)?",
        ) {
            let rules: HostRules = ["shop=*.a.test".parse().unwrap()].into_iter().collect();
            let Ok(parts) = RouteParts::new().host(&claimed) else { return Ok(()) };
            prop_assume!(rules.permit_pattern("shop", parts.host_pattern()));
            let Some(route) = parts.print() else { return Ok(()) };
            let table = RouteTable::new([("web", route.parse().unwrap())]);
            let answers = table.winner(&Request::new("GET", &asked, "/")).is_some();
            prop_assert!(!answers || asked.ends_with(".a.test"), "{route} answers {asked}");
        }
    }
}
