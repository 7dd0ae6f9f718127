use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

/// The figures, in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Figure>);

#[derive(Debug)]
struct Figure {
    what: String,
    measured: String,
    /// What it is measured against.
    against: String,
    /// Measured by against, or the figure itself.
    value: f64,
    goal: Option<f64>,
}

impl Report {
    /// A ratio of two times or costs.
    pub(crate) fn ratio(&mut self, what: &str, measured: f64, against: f64, unit: &str, goal: f64) {
        self.0.push(Figure {
            what: what.to_owned(),
            measured: format!("{measured:.3} {unit}"),
            against: format!("{against:.3} {unit}"),
            value: measured / against,
            goal: Some(goal),
        });
    }

    /// A figure with an upper bound of its own.
    pub(crate) fn figure(&mut self, what: &str, value: f64, unit: &str, goal: Option<f64>) {
        self.0.push(Figure {
            what: what.to_owned(),
            measured: format!("{value:.1} {unit}"),
            against: String::new(),
            value,
            goal,
        });
    }

    /// Writes the figures as JSON.
    pub(crate) fn save(&self, path: &Path) {
        let figure = |figure: &Figure| -> Value {
            let Figure {
                what,
                measured,
                against,
                value,
                goal,
            } = figure;
            json!({"what": what, "measured": measured, "against": against, "value": value, "goal": goal})
        };
        let figures: Vec<Value> = self.0.iter().map(figure).collect();
        let text = serde_json::to_string_pretty(&figures).expect("figures are JSON");
        std::fs::write(path, text + "\n").expect("the figures can be written");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | measured | against | value | goal |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for Figure {
            what,
            measured,
            against,
            value,
            goal,
        } in &self.0
        {
            let goal = match goal {
                Some(goal) if value <= goal => format!("{goal}: met"),
                Some(goal) => format!("{goal}: missed"),
                None => String::new(),
            };
            writeln!(
                f,
                "| {what} | {measured} | {against} | {value:.2} | {goal} |"
            )?;
        }
        Ok(())
    }
}

/// The value below which this share of the values lies.
pub(crate) fn percentile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let index = (times.len() as f64 * share) as usize;
    times[index.min(times.len() - 1)]
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
