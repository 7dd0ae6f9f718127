//! Manifests that are read again when they change.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use romulus_core::cluster::ClusterChange;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{files, load, place, scopes};
use crate::problem::{Outcome, SourceProblem};
use crate::selection::Selection;
use crate::source::{Closed, Loaded, Sender, Source, supervise};

/// Changes are read once it was quiet for so long: files are written in several steps.
const QUIET: Duration = Duration::from_millis(100);
/// But no later than this after the first.
const PATIENCE: Duration = Duration::from_secs(2);
/// Files are looked at so often whatever the system tells: network file systems tell nothing.
const POLL: Duration = Duration::from_secs(30);

/// Starts following manifests: reads them as [`load`] does, and anew whenever they change.
///
/// Every reading is a complete list of both kinds; one that says nothing new is not told. The
/// standard input can't be followed.
///
/// Must be called within a Tokio runtime.
pub fn follow(paths: &[PathBuf], selection: &Selection, cancel: &CancellationToken) -> Source {
    let (source, events) = Source::new(scopes().to_vec());
    let follower = Follower {
        paths: Arc::new(paths.to_owned()),
        selection: selection.clone(),
        events,
    };
    supervise(cancel.clone(), "manifests".to_owned(), move || {
        let follower = follower.clone();
        async move {
            // `Closed` is the only way out.
            if let Err(Closed) = follower.run().await {}
        }
    });
    source
}

#[derive(Clone)]
struct Follower {
    paths: Arc<Vec<PathBuf>>,
    selection: Selection,
    events: Sender,
}

impl Follower {
    async fn run(self) -> Result<(), Closed> {
        let changed = Arc::new(Notify::new());
        let mut last: Option<Loaded> = None;
        let mut blind = false;
        loop {
            // Before reading, so that no change falls in between; anew each time, since a link may
            // lead elsewhere by now and a folder may have been replaced.
            let watcher = watcher(&self.paths, &changed);
            if let Err(error) = &watcher
                && !std::mem::replace(&mut blind, true)
            {
                self.events
                    .problem(not_notified(&self.paths, error))
                    .await?;
            }
            let loaded = self.load().await;
            if let Some(loaded) = loaded
                && last.as_ref() != Some(&loaded)
            {
                for problem in &loaded.problems {
                    self.events.problem(problem.clone()).await?;
                }
                self.events.changes(loaded.changes.clone()).await?;
                last = Some(loaded);
            }
            if timeout(POLL, changed.notified()).await.is_ok() {
                let patience = Instant::now() + PATIENCE;
                // Until nothing comes for a while.
                while timeout_at(patience, timeout(QUIET, changed.notified())).await == Ok(Ok(())) {
                }
            }
        }
    }

    async fn load(&self) -> Option<Loaded> {
        let Self {
            paths, selection, ..
        } = self.clone();
        let loading = tokio::task::spawn_blocking(move || {
            let (stdin, paths): (Vec<_>, Vec<_>) = paths
                .iter()
                .cloned()
                .partition(|path| path.as_os_str() == files::STDIN);
            let mut loaded = load(&paths, &selection);
            if let Some(stdin) = stdin.first() {
                loaded.problems.push(stdin_followed(stdin));
                for change in &mut loaded.changes {
                    if let ClusterChange::ListEnd { complete, .. } = change {
                        *complete = false;
                    }
                }
            }
            loaded
        });
        match loading.await {
            Ok(loaded) => Some(loaded),
            Err(error) => {
                tracing::error!(%error, "a defect of romulus while reading manifests");
                sleep(QUIET).await;
                None
            }
        }
    }
}

/// Watches what decides about the paths' content: folders, and the folders that files and links
/// are in, because editors and ConfigMaps replace rather than write.
fn watcher(paths: &[PathBuf], changed: &Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let changed = Arc::clone(changed);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.as_ref().is_ok_and(is_reading) {
            return;
        }
        changed.notify_one();
    })?;
    let mut above = BTreeSet::new();
    for path in paths.iter().filter(|path| path.as_os_str() != files::STDIN) {
        if path.is_dir() {
            watcher.watch(path, RecursiveMode::Recursive)?;
        }
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        above.insert(parent.unwrap_or(Path::new(".")));
    }
    for folder in above {
        // Below a path that is not there yet nothing can be watched; then it is polled.
        if folder.is_dir() {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
    }
    Ok(watcher)
}

/// Our own reading is told, too.
fn is_reading(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    }
}

fn not_notified(paths: &[PathBuf], error: &notify::Error) -> SourceProblem {
    SourceProblem {
        place: place(paths.first().map_or(Path::new("."), PathBuf::as_path)),
        object: None,
        field: None,
        reason: format!("the system does not tell changes of files: {error}"),
        way_out: "they are looked for every 30 seconds; raise fs.inotify.max_user_watches or \
                  max_user_instances for better"
            .into(),
        outcome: Outcome::Noted,
    }
}

fn stdin_followed(path: &Path) -> SourceProblem {
    SourceProblem {
        place: place(path),
        object: None,
        field: None,
        reason: "the standard input can be read only once".to_owned(),
        way_out: "name a file or a folder".into(),
        outcome: Outcome::Fatal,
    }
}
