//! Work side by side: results come in the order of the tasks, whatever thread did which.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The result of every task from 0 to `tasks`, worked off by at most `threads` threads, this one among them.
pub(crate) fn map<T: Send>(tasks: usize, threads: NonZeroUsize, task: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(tasks));
    let work = || {
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            if position >= tasks {
                return;
            }
            let result = task(position);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((position, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.get().min(tasks) {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(position, _)| *position);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_tasks() {
        for threads in [1, 2, 8] {
            let threads = NonZeroUsize::new(threads).unwrap();
            assert_eq!(map(5, threads, |task| task * task), [0, 1, 4, 9, 16]);
            assert!(map(0, threads, |task| task).is_empty());
        }
    }

    #[test]
    fn tasks_run_side_by_side() {
        let barrier = std::sync::Barrier::new(2);
        let two = NonZeroUsize::new(2).unwrap();
        assert_eq!(map(2, two, |_| barrier.wait().is_leader()).iter().filter(|leads| **leads).count(), 1);
    }
}
