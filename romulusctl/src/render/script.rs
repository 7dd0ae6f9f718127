//! The tree as a shell script that puts it.

use std::borrow::Cow;
use std::io::{self, Write};

use romulus_core::plan::Op;

/// What of a plan the script does.
pub(crate) enum Line {
    /// A write.
    Write(Op),
    /// vulcand needs a moment to take in what came before.
    Settle,
}

/// Longest value that is an argument: Linux takes no argument of 128 KiB or more. What is longer
/// comes from the standard input, where etcdctl reads the value if there is no argument.
const MAX_ARGUMENT: usize = 100_000;

/// Writes the script: a POSIX shell runs it.
pub(crate) fn write(lines: &[Line], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "#!/bin/sh")?;
    writeln!(
        out,
        "# Puts the tree with etcdctl, in the order that vulcand needs."
    )?;
    writeln!(out, "set -eu")?;
    writeln!(out, "export ETCDCTL_API=3")?;
    for line in lines {
        match line {
            Line::Settle => writeln!(out, "sleep 1")?,
            Line::Write(Op::Delete { key }) => writeln!(out, "etcdctl del -- {}", quoted(key))?,
            Line::Write(Op::Put { key, value })
                if value.len() > MAX_ARGUMENT || value.is_empty() =>
            {
                let (key, value) = (quoted(key), quoted(value));
                writeln!(out, "printf %s {value} | etcdctl put -- {key}")?;
            }
            Line::Write(Op::Put { key, value }) => {
                writeln!(out, "etcdctl put -- {} {}", quoted(key), quoted(value))?;
            }
        }
    }
    Ok(())
}

/// A text as one word of a POSIX shell.
fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@%+,=".contains(&b);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// What a shell makes of a word.
    fn read_by_a_shell(text: &str) -> String {
        let script = format!("printf %s {}", quoted(text));
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{script}");
        String::from_utf8(output.stdout).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_reads_what_was_meant(text in "[^\0]{0,12}|['\"\\\\$`!\n\r\t *?~#&;|<>(){}-]{0,12}") {
            prop_assert_eq!(read_by_a_shell(&text), text);
        }
    }
}
