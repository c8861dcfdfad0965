//! Progress of long work, on a terminal only.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex};

use indicatif::{ProgressBar, ProgressStyle};
use yw_arena::Watcher;
use yw_arena::report::Status;

/// Shows a bar per candidate if standard error is a terminal, and nothing otherwise.
pub(crate) fn watcher() -> Arc<dyn Watcher> {
    if std::io::stderr().is_terminal() { Arc::new(Bars::default()) } else { yw_arena::nobody() }
}

/// One bar at a time: candidates run one after the other.
#[derive(Default)]
struct Bars(Mutex<Option<ProgressBar>>);

impl Watcher for Bars {
    fn begins(&self, candidate: &str, n_steps: u64) {
        let style = ProgressStyle::with_template("{msg:>16} {bar:30} {pos}/{len} rows  {elapsed}");
        let bar = ProgressBar::new(n_steps).with_message(candidate.to_owned());
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        self.replace(Some(bar));
    }

    fn advances(&self, _candidate: &str, n: u64) {
        if let Ok(bar) = self.0.lock()
            && let Some(bar) = &*bar
        {
            bar.inc(n);
        }
    }

    fn ends(&self, _candidate: &str, _status: Status) {
        self.replace(None);
    }
}

impl Bars {
    fn replace(&self, bar: Option<ProgressBar>) {
        if let Ok(mut current) = self.0.lock()
            && let Some(old) = std::mem::replace(&mut *current, bar)
        {
            old.finish_and_clear();
        }
    }
}
