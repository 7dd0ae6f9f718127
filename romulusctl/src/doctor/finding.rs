//! What is wrong, and what was looked at.

use std::collections::BTreeMap;

use serde::Serialize;

/// How much harm something does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Harm {
    /// Requests fail, or will when vulcand starts the next time.
    Outage,
    /// Changes do not arrive, or requests go where they should not.
    Error,
    /// It goes well until something else happens.
    Warning,
}

impl Harm {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) harm: Harm,
    /// A stable word.
    pub(super) code: &'static str,
    /// Where: an endpoint, a tree, a key, a Service.
    pub(super) place: String,
    /// What is wrong there.
    pub(super) what: String,
    /// Why it harms.
    pub(super) why: String,
    pub(super) way_out: String,
}

/// Everything the doctor has to say.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    /// What was looked at, with what was seen.
    pub(super) seen: Vec<String>,
    /// What could not be looked at, with the reason.
    pub(super) unseen: Vec<String>,
    /// What nobody asked to look at, with the flag that asks.
    pub(super) left_out: Vec<String>,
}

impl Report {
    pub(super) fn find(
        &mut self,
        (harm, code): (Harm, &'static str),
        place: impl Into<String>,
        what: impl Into<String>,
        why: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        self.findings.push(Finding {
            harm,
            code,
            place: place.into(),
            what: what.into(),
            why: why.into(),
            way_out: way_out.into(),
        });
    }

    pub(super) fn saw(&mut self, what: impl Into<String>) {
        self.seen.push(what.into());
    }

    /// The most harmful first; among equals in the order in which they were found.
    pub(super) fn findings(&self) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by_key(|finding| finding.harm);
        findings
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn counts(&self) -> BTreeMap<Harm, usize> {
        let mut counts = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(finding.harm).or_default() += 1;
        }
        counts
    }
}
