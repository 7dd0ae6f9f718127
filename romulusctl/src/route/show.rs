//! Answers as text and as JSON.

use std::io::Write;

use owo_colors::OwoColorize as _;
use romulus_core::key::Root;
use serde::Serialize;

use super::answer::{Answering, TreeAnswer};
use super::request::{Asked, Header};
use crate::document;
use crate::plain::visible;

/// Of the frontends that vulcand does not take, so many are told.
const REFUSED_SHOWN: usize = 3;

pub(super) fn text(
    asked: &Asked,
    answers: &[TreeAnswer],
    roots: &[&Root],
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> std::io::Result<()> {
    let method = asked.request.method();
    writeln!(out, "{method} {}{}", asked.host, asked.target)?;
    if answers.is_empty() {
        let roots: Vec<&str> = roots.iter().map(|root| root.as_str()).collect();
        writeln!(out, "  404: there is no frontend in {}", roots.join(", "))?;
    }
    for answer in answers {
        one(answer, out, err)?;
    }
    Ok(())
}

fn one(answer: &TreeAnswer, out: &mut dyn Write, err: &mut dyn Write) -> std::io::Result<()> {
    let (root, reason) = (&answer.root, answer.reason);
    match &answer.frontend {
        None => writeln!(out, "  {}", format_args!("in {root}: 404, {reason}").red())?,
        Some(frontend) => {
            let service = frontend.service.as_deref();
            let service = service.map_or_else(
                || " (no romulus wrote it)".to_owned(),
                |service| format!(" (Service {service})"),
            );
            let head = format!("in {root}: frontend {}{service}", visible(&frontend.id));
            if answer.is_served() {
                writeln!(out, "  {}", head.green())?;
            } else {
                writeln!(out, "  {}", head.red())?;
            }
            writeln!(out, "    because      {reason}")?;
            answering(frontend, out)?;
        }
    }
    if !answer.lost.is_empty() {
        writeln!(out, "    also matched, and lost:")?;
        for lost in &answer.lost {
            writeln!(out, "      {}  {}", visible(&lost.id), visible(&lost.route))?;
            writeln!(out, "        {}", lost.reason)?;
        }
    }
    out.flush()?;
    for refused in answer.refused.iter().take(REFUSED_SHOWN) {
        writeln!(
            err,
            "warning: frontend {} in {root} is left aside, since vulcand does not take it: {}",
            visible(&refused.id),
            visible(&refused.problem)
        )?;
    }
    if let more @ 1.. = answer.refused.len().saturating_sub(REFUSED_SHOWN) {
        writeln!(
            err,
            "warning: {more} more in {root} are left aside; `romulusctl doctor` lists them"
        )?;
    }
    Ok(())
}

fn answering(frontend: &Answering, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "    route        {}", visible(&frontend.route))?;
    for (place, middleware) in frontend.middlewares.iter().enumerate() {
        let label = if place == 0 { "through" } else { "" };
        let (name, kind, priority) = (&middleware.name, &middleware.kind, middleware.priority);
        let name = visible(name);
        writeln!(out, "    {label:<12} {name} ({kind}, priority {priority})")?;
    }
    let priorities: Vec<i64> = frontend.middlewares.iter().map(|m| m.priority).collect();
    if priorities.windows(2).any(|pair| pair[0] == pair[1]) {
        writeln!(out, "    {:<12} equal priorities come in any order", "")?;
    }
    writeln!(out, "    backend      {}", visible(&frontend.backend))?;
    for (place, server) in frontend.servers.iter().enumerate() {
        let label = if place == 0 { "servers" } else { "" };
        writeln!(out, "    {label:<12} {server}")?;
    }
    if frontend.servers.is_empty() {
        writeln!(
            out,
            "    servers      {}",
            "none: vulcand answers 500 (newer ones 503)".red()
        )?;
    }
    for other in &frontend.mixed_with {
        writeln!(
            out,
            "    {}",
            format_args!(
                "a vulcand that starts also sends to the servers of {other}, whose id begins with \
                 this one's"
            )
            .yellow()
        )?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Report<'a> {
    request: JsonRequest<'a>,
    trees: &'a [TreeAnswer],
}

#[derive(Serialize)]
struct JsonRequest<'a> {
    method: &'a str,
    host: &'a str,
    target: &'a str,
    headers: &'a [Header],
}

pub(super) fn json(
    asked: &Asked,
    answers: &[TreeAnswer],
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let report = Report {
        request: JsonRequest {
            method: asked.request.method(),
            host: &asked.host,
            target: &asked.target,
            headers: &asked.headers,
        },
        trees: answers,
    };
    document::json(&report, out)
}
