//! The loop: takes in what sources and store tell, plans, writes, and tells the world.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use romulus_core::diagnostic::Severity;
use romulus_core::plan::{Group, Op, Transaction};
use romulus_core::secret::mask;
use romulus_core::stored::{Entry, KeyChange};
use romulus_core::world::{End, World};
use romulus_etcd::{GroupEnd, GroupResult, Store, StoreError, WatchEvent};
use romulus_kube::{Outcome, Source, SourceEvent, SourceProblem};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::Ended;
use crate::admin::{Health, Metrics};
use crate::echo::Echo;
use crate::edit_wars::EditWars;
use crate::election::{Election, Turn};
use crate::feed::Feed;
use crate::pause::Pause;
use crate::scope::{self, Scope, Settled};
use crate::tell::Teller;
use crate::writer::Writer;

/// How much longer than a lease lives `--once` waits to be elected.
const PATIENCE: Duration = Duration::from_secs(5);

/// Operations that are planned at once: enough to keep the store busy until there is room for more.
const ENOUGH: usize = 2048;

/// How often the loop turns at least, so that it can be seen to.
const PULSE: Duration = Duration::from_secs(10);

/// What the flags say about running.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) once: bool,
    pub(crate) election: bool,
    pub(crate) lease_ttl: Duration,
    pub(crate) takeover_scope: bool,
    pub(crate) settle: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) echo: bool,
}

pub(crate) struct Syncer {
    settings: Settings,
    store: Arc<dyn Store>,
    world: World,
    source: Source,
    feed: Feed,
    writer: Writer,
    election: Election,
    teller: Teller,
    scope: Scope,
    scope_settled: bool,
    pause: Pause,
    edit_wars: EditWars,
    echo: Echo,
    /// Groups whose last write may or may not have been applied.
    doubtful: Vec<Group>,
    /// What was written since everything was last in step.
    written: Written,
    /// A watch missed changes: everything is read anew before the next plan.
    was_reloaded: bool,
    /// Something a source reads could not be read.
    source_failed: bool,
    /// In step, and said so.
    in_step: bool,
    health: Health,
    metrics: Metrics,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Written {
    puts: usize,
    deletes: usize,
    transactions: usize,
}

impl Syncer {
    pub(crate) fn new(
        settings: Settings,
        store: Arc<dyn Store>,
        world: World,
        source: Source,
        scope: Scope,
        stop: CancellationToken,
    ) -> Self {
        let owner = &world.config().owner;
        let election = Election::new(store.clone(), owner, settings.lease_ttl, settings.election);
        Self {
            feed: Feed::new(store.clone()),
            writer: Writer::new(store.clone(), settings.settle),
            election,
            teller: Teller::new(&scope),
            scope,
            scope_settled: false,
            pause: Pause::new(),
            edit_wars: EditWars::default(),
            echo: Echo::default(),
            doubtful: Vec::new(),
            written: Written::default(),
            was_reloaded: false,
            source_failed: false,
            in_step: false,
            health: Health::new(),
            metrics: Metrics::new(),
            settings,
            store,
            world,
            source,
            stop,
        }
    }

    /// Whom it tells how it is doing.
    pub(crate) fn watched_by(mut self, health: Health, metrics: Metrics) -> Self {
        (self.health, self.metrics) = (health, metrics);
        self
    }

    /// Runs until it is told to stop; with `once`, until nothing is left to do.
    pub(crate) async fn run(mut self) -> anyhow::Result<Ended> {
        let ended = self.follow().await;
        self.wind_up().await;
        ended
    }

    async fn follow(&mut self) -> anyhow::Result<Ended> {
        let period = self.settings.heartbeat.max(Duration::from_millis(1));
        let mut heartbeat = tokio::time::interval_at(Instant::now() + period, period);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A leader that died is replaced by then; one that lives would keep a job waiting for ever.
        let patience = tokio::time::sleep(self.settings.lease_ttl + PATIENCE);
        tokio::pin!(patience);
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.turned();
            if self.advance().await? && self.settings.once {
                return Ok(self.verdict());
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(Ended::Well),
                turn = self.election.next() => self.turn(&turn),
                done = self.writer.next() => {
                    self.metrics.ended(&done.result.end, done.took);
                    self.finish(&done.group, done.result)?;
                }
                (prefix, event) = self.feed.next() => self.observe(&prefix, event),
                event = self.source.next() => match event {
                    Some(event) => self.take_in(event)?,
                    None => anyhow::bail!("the source of Services has ended"),
                },
                () = self.pause.over() => {}
                key = self.edit_wars.resumed() => self.world.resume(&key),
                () = &mut patience, if self.settings.once && !self.election.is_leading() => {
                    anyhow::bail!(
                        "another romulusd leads under the owner id `{}`: stop it, or sync under \
                         another --owner-id",
                        self.world.config().owner
                    );
                }
                _ = heartbeat.tick(), if self.beats() => self.beat(),
                _ = pulse.tick() => {}
            }
            // What came meanwhile is taken in before the next plan.
            while let Some(event) = self.source.try_next() {
                self.take_in(event)?;
            }
        }
    }

    /// Tells those who look how things are.
    fn turned(&self) {
        let leads = self.election.is_leading();
        let loaded = self.world.missing_prefixes().is_empty();
        self.health.turned(self.world.is_listed(), loaded, leads);
        self.metrics
            .turned(leads, self.writer.waiting(), &self.world.counts());
    }

    /// Loads what is missing and plans, as far as that is possible now. Returns whether everything
    /// is in step.
    async fn advance(&mut self) -> anyhow::Result<bool> {
        if !self.pause.is_over() {
            return Ok(false);
        }
        if let Err(error) = self.resolve_doubts().await {
            return self
                .failed("reading the store", error.into())
                .map(|()| false);
        }
        if self.was_reloaded {
            // A tree and its records belong together: one that was read anew says nothing beside
            // another from before the store went back.
            match self.feed.reload().await {
                Ok((prefixes, snapshot)) => {
                    for prefix in &prefixes {
                        self.world.load(prefix, &snapshot);
                    }
                    self.was_reloaded = false;
                }
                Err(error) => {
                    return self
                        .failed("reading the store", error.into())
                        .map(|()| false);
                }
            }
        }
        let missing = self.world.missing_prefixes();
        if !missing.is_empty() {
            match self.feed.load(&missing).await {
                Ok(snapshot) => {
                    for prefix in &missing {
                        self.world.load(prefix, &snapshot);
                    }
                    self.went_well();
                }
                Err(error) => {
                    return self
                        .failed("reading the store", error.into())
                        .map(|()| false);
                }
            }
        }
        if !self.election.is_leading() || !self.world.is_ready() || !self.writer.has_room() {
            return Ok(false);
        }
        if !self.scope_settled {
            if !self.settle_scope().await? {
                return Ok(false);
            }
            // It comes back through the watch of its tree, long before etcd says how far that is.
            self.beat();
        }
        // Each watch was asked for its progress when the term began. To ask again would begin its
        // answer anew: among many changes of the cluster it would never come.
        if !self.feed.has_passed(self.election.revision()) {
            return Ok(false);
        }
        let plan = self.world.plan_some(ENOUGH);
        self.metrics.planned(&plan);
        for diagnostic in &plan.cleared {
            self.teller.cleared(diagnostic);
        }
        for diagnostic in &plan.raised {
            self.teller.raised(diagnostic, &self.world);
        }
        self.in_step &= plan.groups.is_empty();
        self.writer.add(plan.groups);
        if !self.writer.is_idle() {
            return Ok(false);
        }
        self.reached().await;
        Ok(true)
    }

    /// Makes sure that nobody else speaks under this owner id.
    async fn settle_scope(&mut self) -> anyhow::Result<bool> {
        let identity = match self.scope.identity().await {
            Ok(identity) => identity,
            Err(error) => {
                return self
                    .failed("telling which cluster this is", error.into())
                    .map(|()| false);
            }
        };
        let owner = self.world.config().owner.clone();
        let (takeover, fence) = (self.settings.takeover_scope, self.election.fence());
        match scope::settle(&*self.store, &owner, &identity, takeover, fence).await {
            Ok(Settled::Ours) => {
                self.scope_settled = true;
                Ok(true)
            }
            Ok(Settled::Other(other)) => anyhow::bail!(
                "the owner id `{owner}` belongs to another cluster ({other}, this is {identity}): \
                 give each cluster an --owner-id of its own, or take this one over with \
                 --takeover-scope"
            ),
            Ok(Settled::Fenced) => {
                self.fenced();
                Ok(false)
            }
            Err(error) => self
                .failed("checking the owner id", error.into())
                .map(|()| false),
        }
    }

    /// Everything is in step: says so once.
    async fn reached(&mut self) {
        self.health.synced();
        self.metrics.in_step();
        if std::mem::replace(&mut self.in_step, true) {
            return;
        }
        let Written {
            puts,
            deletes,
            transactions,
        } = std::mem::take(&mut self.written);
        let owned = self.world.owned();
        // What could not be read may want more; `once` will not see it come.
        let with = if self.settings.once && self.source_failed {
            " with what could be read"
        } else {
            ""
        };
        info!(
            "in step{with}: {owned} backends and frontends; {puts} keys put, {deletes} deleted in \
             {transactions} transactions"
        );
        if self.settings.echo
            && !self.echo.has_shown_tree()
            && let Ok(snapshot) = self.store.load(&[String::new()]).await
        {
            self.echo.tree(&snapshot, self.world.roots());
        }
    }

    /// Whether everything that is wanted is written.
    fn verdict(&self) -> Ended {
        let unwritten = self
            .world
            .diagnostics()
            .any(|d| d.severity() == Severity::Error);
        if unwritten || self.source_failed {
            Ended::Behind
        } else {
            Ended::Well
        }
    }

    fn turn(&mut self, turn: &Turn) {
        match turn {
            Turn::Elected => {
                // While another led, the owner id may have been taken over.
                self.scope_settled = false;
                self.writer.begin_term(self.election.fence().cloned());
                self.feed.ask();
            }
            Turn::Lost => self.end_term(),
        }
    }

    fn end_term(&mut self) {
        for group in self.writer.end_term() {
            self.world.finished(&group, End::Cut);
        }
    }

    /// A write was refused because somebody else leads.
    fn fenced(&mut self) {
        warn!("another romulusd leads: nothing more is written");
        self.end_term();
        self.election.fenced();
    }

    fn take_in(&mut self, event: SourceEvent) -> anyhow::Result<()> {
        match event {
            SourceEvent::Changes(changes) => {
                debug!("{} changes of the cluster", changes.len());
                self.world.apply(changes);
            }
            SourceEvent::Problem(problem)
                if self.settings.once && self.is_unlisted_by(&problem) =>
            {
                // There will be no next try.
                anyhow::bail!(
                    "{}",
                    SourceProblem {
                        outcome: Outcome::Fatal,
                        ..problem
                    }
                );
            }
            SourceEvent::Problem(problem) => {
                self.metrics.source_problem(&problem.outcome);
                let skipped = problem.outcome == Outcome::Skipped;
                self.source_failed |= skipped;
                if problem.is_fatal() || skipped {
                    error!("{problem}")
                } else {
                    warn!("{problem}")
                }
            }
        }
        Ok(())
    }

    /// Whether the first list failed; once it is complete, a watch that fails takes nothing away.
    fn is_unlisted_by(&self, problem: &SourceProblem) -> bool {
        matches!(problem.outcome, Outcome::Fatal | Outcome::Retrying(_)) && !self.world.is_listed()
    }

    fn observe(&mut self, prefix: &str, event: WatchEvent) {
        match event {
            WatchEvent::Changes(changes) => {
                for change in &changes {
                    if self.world.observe(change)
                        && let KeyChange::Put { key, entry } = change
                    {
                        self.edit_wars.edited(key, entry);
                    }
                }
            }
            WatchEvent::Progress { .. } => {}
            WatchEvent::Reloaded(snapshot) => {
                warn!(
                    "changes under {prefix} were missed; read again at revision {}",
                    snapshot.revision
                );
                self.world.load(prefix, &snapshot);
                self.was_reloaded = true;
            }
        }
    }

    /// Tells the world how far a group came.
    fn finish(&mut self, group: &Group, result: GroupResult) -> anyhow::Result<()> {
        for (step, revision) in group.steps.iter().zip(&result.committed) {
            self.world.committed(&step.transaction, *revision);
            self.count(&step.transaction, *revision);
            for key in self.edit_wars.wrote(&step.transaction) {
                self.metrics.truce();
                self.world.pause(&key);
            }
        }
        match result.end {
            GroupEnd::Done => {
                self.world.finished(group, End::Complete);
                self.went_well();
            }
            GroupEnd::Cancelled => self.world.finished(group, End::Cut),
            GroupEnd::Fenced => {
                self.fenced();
                self.world.finished(group, End::Cut);
            }
            GroupEnd::Refused { revision, current } => {
                if let Some(step) = group.steps.get(result.committed.len()) {
                    self.correct(&step.transaction, revision, current);
                }
                self.world.finished(group, End::Refused);
            }
            GroupEnd::Unknown(error) => {
                self.failed("writing", error.into())?;
                self.doubtful.push(group.clone());
            }
            GroupEnd::Failed(error) => {
                self.world.finished(group, End::Cut);
                self.failed("writing", error.into())?;
            }
        }
        Ok(())
    }

    /// Tells the world what the guarded keys of a refused transaction hold: not what it thought.
    fn correct(&mut self, refused: &Transaction, revision: i64, current: Vec<(String, Entry)>) {
        let mut current: BTreeMap<String, Entry> = current.into_iter().collect();
        for guard in &refused.guards {
            let key = guard.key().to_owned();
            let change = match current.remove(&key) {
                Some(entry) => KeyChange::Put { key, entry },
                None => KeyChange::Delete { key, revision },
            };
            debug!(
                "a transaction was refused at revision {revision}: {}",
                match &change {
                    KeyChange::Put { key, entry } => format!("{key} is of {}", entry.revision),
                    KeyChange::Delete { key, .. } => format!("{key} does not exist"),
                }
            );
            self.world.observe(&change);
        }
    }

    /// Reads what is stored of the objects of groups whose last write may or may not have been
    /// applied.
    async fn resolve_doubts(&mut self) -> Result<(), StoreError> {
        while let Some(group) = self.doubtful.last() {
            let prefixes: Vec<String> = group.objects.iter().flat_map(World::prefixes_of).collect();
            let snapshot = self.store.load(&prefixes).await?;
            self.world.refresh(&group.objects, &snapshot);
            self.world.finished(group, End::Cut);
            self.doubtful.pop();
        }
        Ok(())
    }

    fn count(&mut self, transaction: &Transaction, revision: i64) {
        self.metrics.wrote(transaction);
        self.written.transactions += 1;
        for op in &transaction.ops {
            match op {
                Op::Put { key, value } => {
                    self.written.puts += 1;
                    debug!(revision, "put {key} {}", mask(value));
                }
                Op::Delete { key } => {
                    self.written.deletes += 1;
                    debug!(revision, "deleted {key}");
                }
            }
        }
        if self.settings.echo {
            self.echo.changes(transaction);
        }
    }

    fn went_well(&mut self) {
        self.pause.reset();
        self.metrics.went_well();
    }

    /// Something failed: with `once` that is the end, else it is tried again after a pause.
    fn failed(&mut self, what: &str, error: anyhow::Error) -> anyhow::Result<()> {
        if self.settings.once {
            return Err(error.context(format!("{what} failed")));
        }
        self.metrics.failed();
        let delay = self.pause.grow();
        error!("{what} failed: {error:#}; trying again in {delay:.1?}");
        Ok(())
    }

    fn beats(&self) -> bool {
        !self.settings.once && !self.settings.heartbeat.is_zero()
    }

    /// Puts the key that keeps vulcand's watch from being compacted away.
    fn beat(&self) {
        if !self.beats() || !self.election.is_leading() || !self.world.is_ready() {
            return;
        }
        let put = |key| Op::Put {
            key,
            value: env!("CARGO_PKG_VERSION").into(),
        };
        let ops = self
            .world
            .roots()
            .map(|root| put(root.heartbeat()))
            .collect();
        let transaction = Transaction {
            guards: Vec::new(),
            ops,
        };
        let (store, fence) = (self.store.clone(), self.election.fence().cloned());
        tokio::spawn(async move {
            if let Err(error) = store.commit(&transaction, fence.as_ref()).await {
                warn!("the heartbeat failed: {error}");
            }
        });
    }

    /// Finishes the transactions in flight and hands over.
    async fn wind_up(mut self) {
        self.health.stopping();
        self.end_term();
        while !self.writer.is_idle() {
            let done = self.writer.next().await;
            let steps = done.group.steps.iter();
            for (step, revision) in steps.zip(&done.result.committed) {
                self.count(&step.transaction, *revision);
            }
        }
        self.election.resign().await;
        self.teller.close().await;
        info!("stopped");
    }
}
