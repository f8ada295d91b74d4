//! The sign of life of a run.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::Result;
use mainstay_table::Lease;

/// Without a sign of life for so long a run counts as dead, and its reservation is released by the next one.
pub(crate) const LEASE_SECONDS: u32 = 60;

/// How often a run gives its sign of life.
const BEAT: Duration = Duration::from_secs(10);

/// Gives the sign of life of a run until it is dropped, from a thread of its own: the async runtime may be busy for long.
pub(crate) struct Heartbeat {
    _stop: Sender<()>,
}

impl Heartbeat {
    pub(crate) fn start(lease: Lease) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = channel();
        std::thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                // A beat that fails is followed by the next. Without any the run counts as dead and is overtaken.
                let _ = runtime.block_on(lease.beat());
            }
            let _ = runtime.block_on(lease.end());
        })?;
        Ok(Self { _stop: stop })
    }
}
