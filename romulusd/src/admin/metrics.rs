use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use romulus_core::cluster::ObjectName;
use romulus_core::diagnostic::{Code, Diagnostic, Severity, Subject};
use romulus_core::plan::{Op, Transaction};
use romulus_core::world::{Counts, Plan};
use romulus_etcd::GroupEnd;
use romulus_kube::Outcome;

/// Numbers about what the loop does; it tells them as they come about.
///
/// No label has more values than this file names: neither hosts nor Services nor keys.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    groups: Family<Result, Counter>,
    group_seconds: Histogram,
    last_sync: Gauge,
    consecutive_errors: Gauge,
    keys: Family<Kind, Gauge>,
    writes: Family<Operation, Counter>,
    transactions: Counter,
    diagnostics: Family<CodeLabel, Gauge>,
    /// How many errors are said of each Service.
    invalid: Arc<Mutex<BTreeMap<ObjectName, usize>>>,
    invalid_services: Gauge,
    conflicts: Gauge,
    not_owned: Gauge,
    withheld: Gauge,
    leader: Gauge,
    source_problems: Family<OutcomeLabel, Counter>,
    edit_wars: Counter,
    waiting_groups: Gauge,
    pub(super) request_seconds: Family<Request, Histogram>,
}

macro_rules! labels {
    ($($name:ident { $label:ident })+) => {
        $(
            #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
            pub(super) struct $name {
                pub(super) $label: &'static str,
            }
        )+
    };
}

labels! {
    Result { result }
    Kind { kind }
    Operation { op }
    CodeLabel { code }
    OutcomeLabel { outcome }
    Request { request }
}

/// From a millisecond to half a minute.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("romulus");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Which romulusd this is", build);
        macro_rules! add {
            ($name:literal, $help:literal, $metric:expr) => {{
                let metric = $metric;
                registry.register($name, $help, metric.clone());
                metric
            }};
        }
        let groups = add!(
            "reconcile",
            "Groups of writes that were carried out, by how they ended",
            Family::default()
        );
        let group_seconds = seconds();
        registry.register_with_unit(
            "reconcile_duration",
            "From the plan of a group of writes to its end",
            Unit::Seconds,
            group_seconds.clone(),
        );
        let last_sync = Gauge::default();
        registry.register_with_unit(
            "last_sync_timestamp",
            "When everything that could be written was last in step, since 1970",
            Unit::Seconds,
            last_sync.clone(),
        );
        let request_seconds = Family::<Request, Histogram>::new_with_constructor(seconds);
        registry.register_with_unit(
            "etcd_request_duration",
            "How long requests to etcd take, retries included",
            Unit::Seconds,
            request_seconds.clone(),
        );
        let metrics = Self {
            groups,
            group_seconds,
            last_sync,
            request_seconds,
            consecutive_errors: add!(
                "consecutive_errors",
                "Failures since something last went well",
                Gauge::default()
            ),
            keys: add!("keys", "Stored keys of this owner", Family::default()),
            writes: add!("writes", "Keys written", Family::default()),
            transactions: add!("transactions", "Transactions applied", Counter::default()),
            diagnostics: add!(
                "diagnostics",
                "Diagnostics that hold, by code",
                Family::default()
            ),
            invalid: Arc::default(),
            invalid_services: add!(
                "invalid_services",
                "Services of which something stays unwritten",
                Gauge::default()
            ),
            conflicts: add!(
                "conflicts",
                "Routes and ids that another object has",
                Gauge::default()
            ),
            not_owned: add!(
                "not_owned_keys",
                "Backends and frontends that are wanted and belong to others",
                Gauge::default()
            ),
            withheld: add!(
                "withheld_objects",
                "Deletions that the brake withholds",
                Gauge::default()
            ),
            leader: add!("leader", "1 where this process writes", Gauge::default()),
            source_problems: add!(
                "source_problems",
                "What could not be read of the cluster",
                Family::default()
            ),
            edit_wars: add!(
                "edit_wars",
                "Truces with others who put the same key again and again",
                Counter::default()
            ),
            waiting_groups: add!(
                "waiting_groups",
                "Planned groups of writes that have not begun",
                Gauge::default()
            ),
            registry: Arc::default(),
        };
        for code in Code::ALL {
            metrics.of_code(*code);
        }
        Self {
            registry: Arc::new(registry),
            ..metrics
        }
    }

    /// Prometheus' text format.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn of_code(&self, code: Code) -> Gauge {
        let label = CodeLabel {
            code: code.as_str(),
        };
        self.diagnostics.get_or_create_owned(&label)
    }

    pub(crate) fn planned(&self, plan: &Plan) {
        plan.raised.iter().for_each(|found| self.count(found, 1));
        plan.cleared.iter().for_each(|found| self.count(found, -1));
    }

    fn count(&self, diagnostic: &Diagnostic, change: i64) {
        self.of_code(diagnostic.code).inc_by(change);
        match diagnostic.code {
            Code::RouteConflict | Code::IdConflict => drop(self.conflicts.inc_by(change)),
            Code::ForeignObject => drop(self.not_owned.inc_by(change)),
            Code::DeletionWithheld => drop(self.withheld.inc_by(change)),
            _ => {}
        }
        let (Subject::Service(service), Severity::Error) =
            (&diagnostic.subject, diagnostic.severity())
        else {
            return;
        };
        let mut invalid = self.invalid.lock().unwrap_or_else(PoisonError::into_inner);
        let errors = invalid.entry(service.clone()).or_default();
        *errors = errors.saturating_add_signed(if change > 0 { 1 } else { -1 });
        if *errors == 0 {
            invalid.remove(service);
        }
        self.invalid_services.set(integer(invalid.len()));
    }

    pub(crate) fn wrote(&self, transaction: &Transaction) {
        self.transactions.inc();
        for op in &transaction.ops {
            let op = match op {
                Op::Put { .. } => "put",
                Op::Delete { .. } => "delete",
            };
            self.writes.get_or_create(&Operation { op }).inc();
        }
    }

    /// A group came to its end, so long after it was planned.
    pub(crate) fn ended(&self, end: &GroupEnd, took: Duration) {
        let result = match end {
            GroupEnd::Done => "done",
            GroupEnd::Refused { .. } => "refused",
            GroupEnd::Fenced => "fenced",
            GroupEnd::Unknown(_) => "unknown",
            GroupEnd::Failed(_) => "failed",
            GroupEnd::Cancelled => "cancelled",
        };
        self.groups.get_or_create(&Result { result }).inc();
        self.group_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn in_step(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.last_sync
            .set(now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX)));
    }

    pub(crate) fn failed(&self) {
        self.consecutive_errors.inc();
    }

    pub(crate) fn went_well(&self) {
        self.consecutive_errors.set(0);
    }

    pub(crate) fn source_problem(&self, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Fatal => "fatal",
            Outcome::Retrying(_) => "retrying",
            Outcome::Skipped => "skipped",
            Outcome::Noted => "noted",
        };
        let label = OutcomeLabel { outcome };
        self.source_problems.get_or_create(&label).inc();
    }

    pub(crate) fn truce(&self) {
        self.edit_wars.inc();
    }

    /// What there is, once a turn of the loop.
    pub(crate) fn turned(&self, leading: bool, waiting: usize, counts: &Counts) {
        self.leader.set(i64::from(leading));
        self.waiting_groups.set(integer(waiting));
        for (kind, count) in [
            ("backend", counts.backends),
            ("frontend", counts.frontends),
            ("server", counts.servers),
            ("middleware", counts.middlewares),
        ] {
            self.keys.get_or_create(&Kind { kind }).set(integer(count));
        }
    }
}

fn integer(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
