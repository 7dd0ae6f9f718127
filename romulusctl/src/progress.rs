//! How far a long run is, on a terminal's standard error. Pipes never see it.

use std::fmt::Write as _;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// What is over sooner is over before anybody wonders.
const PATIENCE: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(100);

/// A line that says what goes on, until it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins to show what goes on, e.g. `reading manifests`.
    pub(crate) fn of(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if !bar.is_hidden() {
            let line = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                if state.elapsed() >= PATIENCE {
                    // A line that can't be drawn is no reason to end.
                    let _ = out.write_str(&line(what, state.pos(), state.len()));
                }
            };
            if let Ok(style) = ProgressStyle::with_template("{line}") {
                bar.set_style(style.with_key("line", line));
            }
            bar.enable_steady_tick(TICK);
        }
        Self(bar)
    }

    /// So much is done, of so much where that is known.
    pub(crate) fn tell(&self, done: usize, of: Option<usize>) {
        if let Some(of) = of {
            self.0.set_length(of as u64);
        }
        self.0.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Cells of a bar.
const WIDTH: u64 = 30;

fn line(what: &str, done: u64, of: Option<u64>) -> String {
    let mut line = format!("{what} ");
    let count = HumanCount(done);
    let _ = match of.filter(|of| *of > 0) {
        Some(of) => {
            let full = usize::try_from(WIDTH * done.min(of) / of).unwrap_or_default();
            let rest = WIDTH as usize - full;
            let (full, rest) = ("#".repeat(full), "-".repeat(rest));
            write!(line, "[{full}{rest}] {count}/{}", HumanCount(of))
        }
        None if done > 0 => write!(line, "{count}"),
        None => write!(line, "..."),
    };
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        assert_eq!(line("reading etcd", 0, None), "reading etcd ...");
        assert_eq!(line("planning", 12_345, None), "planning 12,345");
        assert_eq!(
            line("reading manifests", 5_000, Some(10_000)),
            "reading manifests [###############---------------] 5,000/10,000"
        );
        assert_eq!(line("x", 9, Some(3)), format!("x [{}] 9/3", "#".repeat(30)));
    }
}
