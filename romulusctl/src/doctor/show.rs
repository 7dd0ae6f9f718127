//! The report as text and as JSON.

use std::collections::BTreeMap;
use std::io::Write;

use owo_colors::OwoColorize as _;
use serde::Serialize;

use super::finding::{Finding, Harm, Report};
use crate::document;
use crate::plain::{count, visible};

/// Of findings with the same code, a person is shown so many.
const SHOWN: usize = 10;

pub(super) fn text(
    report: &Report,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> std::io::Result<()> {
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in report.findings() {
        let number = shown.entry(finding.code).or_default();
        *number += 1;
        if *number <= SHOWN {
            one(finding, out)?;
        }
    }
    for (code, number) in shown.iter().filter(|(_, number)| **number > SHOWN) {
        let more = number - SHOWN;
        writeln!(out, "... and {more} more of {code}; -o json shows all\n")?;
    }
    for (mark, lines) in [
        ("looked at", &report.seen),
        ("not looked at", &report.unseen),
        ("not asked for", &report.left_out),
    ] {
        for line in lines {
            writeln!(out, "{mark}: {}", visible(line))?;
        }
    }
    out.flush()?;
    let counts = report.counts();
    let counts: Vec<String> = counts
        .iter()
        .map(|(harm, number)| count(*number, harm.word()))
        .collect();
    let rest = match report.unseen.len() {
        0 => String::new(),
        unseen => format!("; {} could not be looked at", count(unseen, "thing")),
    };
    if counts.is_empty() {
        writeln!(err, "nothing wrong was found{rest}")
    } else {
        writeln!(err, "found {}{rest}", counts.join(", "))
    }
}

fn one(finding: &Finding, out: &mut dyn Write) -> std::io::Result<()> {
    let head = format!("{}[{}]", finding.harm.word(), finding.code);
    match finding.harm {
        Harm::Outage => write!(out, "{}", head.red().bold())?,
        Harm::Error => write!(out, "{}", head.red())?,
        Harm::Warning => write!(out, "{}", head.yellow())?,
    }
    writeln!(
        out,
        ": {}: {}",
        visible(&finding.place),
        visible(&finding.what)
    )?;
    writeln!(out, "  harm:    {}", visible(&finding.why))?;
    writeln!(out, "  way out: {}\n", visible(&finding.way_out))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    healthy: bool,
    findings: Vec<&'a Finding>,
    seen: &'a [String],
    unseen: &'a [String],
    left_out: &'a [String],
}

pub(super) fn json(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    let report = Json {
        healthy: report.is_healthy() && report.unseen.is_empty(),
        findings: report.findings(),
        seen: &report.seen,
        unseen: &report.unseen,
        left_out: &report.left_out,
    };
    document::json(&report, out)
}
