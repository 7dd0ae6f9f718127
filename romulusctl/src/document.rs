//! JSON and YAML, for programs.

use std::io::Write;

use serde::Serialize;

/// One JSON document.
pub(crate) fn json(value: &impl Serialize, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// One YAML document.
pub(crate) fn yaml(value: &impl Serialize, out: &mut dyn Write) -> anyhow::Result<()> {
    let text = serde_saphyr::to_string(value)?;
    writeln!(out, "{}", text.trim_end())?;
    Ok(())
}
