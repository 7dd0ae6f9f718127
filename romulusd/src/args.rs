use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use romulus_core::config::ConfigArgs;
use romulus_core::vulcand::GoDuration;
use romulus_etcd::EtcdArgs;
use romulus_kube::KubeArgs;

use crate::admin::AdminAddress;

/// Keeps the etcd keys of the vulcand reverse proxy in step with annotated Kubernetes Services.
///
/// Annotate a Service with `romulus/host: www.example.com`, and a moment later vulcand routes to
/// its pods.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "romulusd", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 stopped, or in step with --once; 1 with --once, when \
    something wanted stays unwritten; 2 error."
)]
pub struct Args {
    /// What is published, where, and under whose name.
    #[command(flatten)]
    pub config: ConfigArgs,

    /// Where Services come from.
    #[command(flatten, next_help_heading = "Kubernetes")]
    pub kube: KubeArgs,

    /// Read Services and endpoints from this file or folder instead of a cluster; may be repeated
    #[arg(long, value_name = "PATH", help_heading = "Kubernetes")]
    pub manifests: Vec<PathBuf>,

    /// Where keys go.
    #[command(flatten, next_help_heading = "etcd")]
    pub etcd: EtcdArgs,

    /// Sync once and exit: 0 when in step, 1 when anything wanted stays unwritten
    #[arg(long, help_heading = "Running")]
    pub once: bool,

    /// Write without being elected: only where no second romulusd can run under this owner
    #[arg(long, help_heading = "Running")]
    pub no_leader_election: bool,

    /// How long a leader that died keeps others waiting
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration, help_heading = "Running")]
    pub lease_ttl: Duration,

    /// Take over an owner id that another cluster wrote under
    #[arg(long, help_heading = "Running")]
    pub takeover_scope: bool,

    /// How long vulcand is given to take in the middlewares of a new frontend on a live backend
    #[arg(long, value_name = "DURATION", default_value = "250ms", value_parser = duration, help_heading = "Running")]
    pub settle: Duration,

    /// How often a key below each root is put, so that vulcand's watch outlives compactions; 0 is
    /// never
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration, help_heading = "Running")]
    pub heartbeat: Duration,

    /// Where probes (/livez, /readyz) and /metrics are served, or `none` [default: 127.0.0.1:6065,
    /// with --once none]
    #[arg(long, value_name = "ADDRESS", help_heading = "Running")]
    pub admin: Option<AdminAddress>,

    /// Log everything
    #[arg(short, long, help_heading = "Logging")]
    pub debug: bool,

    /// Least severity that is logged
    #[arg(
        short,
        long,
        value_name = "LEVEL",
        env = "LOG_LEVEL",
        value_enum,
        default_value_t,
        ignore_case = true,
        help_heading = "Logging"
    )]
    pub log_level: LogLevel,
}

/// Severities, as the original named them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogLevel {
    /// What ends the program.
    Fatal,
    /// What stays unwritten.
    Error,
    /// What may surprise.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// Everything.
    Debug,
}

/// A Go duration that is not negative.
fn duration(text: &str) -> Result<Duration, String> {
    let duration: GoDuration = text.parse().map_err(|error| format!("{error}"))?;
    duration
        .to_std()
        .ok_or_else(|| "a duration that is not negative, e.g. 250ms or 1m30s".into())
}

impl Args {
    /// The owner id when none is given.
    pub(crate) fn default_owner(&self) -> &'static str {
        if self.manifests.is_empty() {
            "default"
        } else {
            "manifests"
        }
    }
}
