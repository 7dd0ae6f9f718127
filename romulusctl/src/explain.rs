//! `romulusctl explain`: what annotations and diagnostics mean.

use std::io::Write;

use anyhow::bail;
use owo_colors::OwoColorize as _;
use romulus_core::annotation::{MIDDLEWARE, OPTIONS, OptionSpec, PREFIX, Topic, VULCAN_KEY};
use romulus_core::diagnostic::{Code, Severity, did_you_mean};

use crate::{Ended, lint};

/// What `explain` explains.
#[derive(Debug, Clone, clap::Args)]
pub struct ExplainArgs {
    /// An annotation, as `host` or `romulus/host`, or the code of a diagnostic; without it, a list
    #[arg(value_name = "OPTION|CODE")]
    pub name: Option<String>,
}

/// What there is to explain.
enum Entry {
    Option(&'static OptionSpec),
    Code(Code),
}

pub(crate) fn run(args: &ExplainArgs, out: &mut dyn Write) -> anyhow::Result<Ended> {
    match &args.name {
        None => list(out)?,
        Some(name) => match find(name) {
            Some(Entry::Option(option)) => explain_option(option, out)?,
            Some(Entry::Code(code)) => explain_code(code, out)?,
            None => bail!("{}", unknown(name)),
        },
    }
    out.flush()?;
    Ok(Ended::Same)
}

fn options() -> impl Iterator<Item = &'static OptionSpec> {
    [&VULCAN_KEY]
        .into_iter()
        .chain(OPTIONS)
        .chain([&MIDDLEWARE])
}

fn find(name: &str) -> Option<Entry> {
    // As they stand in manifests and messages: `romulus/path.web`, `error[invalid-json]`.
    let name = name.trim();
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    let code = name.trim_end_matches([']', ':']);
    let code = code.rsplit_once('[').map_or(code, |(_, code)| code);
    if let Some(code) = Code::find(&code.to_lowercase()) {
        return Some(Entry::Code(code));
    }
    let (option, _) = name.split_once('.').unwrap_or((name, ""));
    if option == "middleware" {
        return Some(Entry::Option(&MIDDLEWARE));
    }
    let bare = option.replace('_', "");
    let same_word = |spec: &&OptionSpec| spec.name.eq_ignore_ascii_case(&bare);
    let found = OptionSpec::find(option).or_else(|| options().find(same_word));
    found.map(Entry::Option)
}

fn unknown(name: &str) -> String {
    let options = options().map(|option| option.name);
    let names = options.chain(Code::ALL.iter().map(|code| code.as_str()));
    let bare = name.strip_prefix(PREFIX).unwrap_or(name);
    match did_you_mean(bare, names) {
        Some(other) => format!("there is no option and no code `{name}`: did you mean `{other}`?"),
        None => {
            format!("there is no option and no code `{name}`: `romulusctl explain` lists them all")
        }
    }
}

/// Topics in the order of the list.
const TOPICS: &[(Topic, &str)] = &[
    (Topic::Label, "Label"),
    (Topic::Route, "Route: the parts are joined by `&&`"),
    (Topic::Frontend, "Frontend"),
    (Topic::Backend, "Backend"),
    (Topic::Middleware, "Middlewares"),
];

fn list(out: &mut dyn Write) -> std::io::Result<()> {
    let width = options().map(|option| option.name.len()).max();
    let width = width.unwrap_or_default();
    writeln!(
        out,
        "Annotations begin with `{PREFIX}`; `<option>.<port name>` is for one port of the Service."
    )?;
    for (topic, heading) in TOPICS {
        writeln!(out, "\n{}", heading.bold())?;
        for option in options().filter(|option| option.topic == *topic) {
            writeln!(out, "  {:width$}  {}", option.name, option.summary)?;
        }
    }
    let width = Code::ALL.iter().map(|code| code.as_str().len()).max();
    let width = width.unwrap_or_default();
    for (severity, heading) in [
        (
            Severity::Error,
            "Errors: something that was asked for stays unwritten",
        ),
        (Severity::Warning, "Warnings"),
        (Severity::Info, "Information"),
    ] {
        writeln!(out, "\n{}", heading.bold())?;
        for code in Code::ALL.iter().filter(|code| code.severity() == severity) {
            writeln!(out, "  {:width$}  {}", code.as_str(), code.summary())?;
        }
    }
    writeln!(
        out,
        "\n`romulusctl explain NAME` says more about one of them."
    )
}

fn explain_option(option: &OptionSpec, out: &mut dyn Write) -> std::io::Result<()> {
    let name = format!("{PREFIX}{}", option.name);
    writeln!(out, "{}: {}", name.bold(), option.summary)?;
    if !option.detail.is_empty() {
        writeln!(out, "\n{}", option.detail)?;
    }
    let what = match option.topic {
        Topic::Label => "As a label",
        _ => "As an annotation",
    };
    let key = name.replace("<name>", "limit");
    writeln!(out, "\n{what}\n    {key}: {}", quoted(option.example))?;
    if !matches!(option.topic, Topic::Label) && option.name != MIDDLEWARE.name {
        writeln!(
            out,
            "\nFor one port of the Service\n    {key}.<port name>: {}",
            quoted(option.example)
        )?;
    }
    writeln!(
        out,
        "\nWhat it becomes, for a Service `web` of the namespace `shop`\n    {}",
        option.becomes
    )
}

/// A text as YAML, whatever it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn explain_code(code: Code, out: &mut dyn Write) -> anyhow::Result<()> {
    let title = format!("{}[{code}]", code.severity());
    writeln!(out, "{}: {}", title.bold(), code.summary())?;
    writeln!(out, "\n{}", code.way_out())?;
    let Some(example) = code.example() else {
        let why =
            "It takes more than manifests: what is stored, or a flag. So there is no example.";
        writeln!(out, "\n{why}")?;
        return Ok(());
    };
    writeln!(out, "\nFor example, of this manifest\n")?;
    for line in example.lines() {
        writeln!(out, "    {line}")?;
    }
    writeln!(out, "\n`romulusctl lint` says\n")?;
    lint::say("example.yaml", example, out)
}
