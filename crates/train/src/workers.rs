//! Tasks side by side, a thread each, answered in their order.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::{Error, fault};

/// Does every task, `workers` at a time. After a failure no task is begun.
pub(super) fn in_parallel<T: Send, R: Send>(
    tasks: Vec<T>,
    workers: usize,
    work: impl Fn(T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let queue: Mutex<VecDeque<(usize, T)>> = Mutex::new(tasks.into_iter().enumerate().collect());
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                // A pool of one: what one task waits for does not wait for another task.
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
                while let Some((place, task)) = next(&queue) {
                    let result = match &pool {
                        Ok(pool) => pool.install(|| work(task)),
                        Err(error) => Err(fault(error.to_string())),
                    };
                    if result.is_err() {
                        stop(&queue);
                    }
                    if let Ok(mut results) = results.lock() {
                        results.push((place, result));
                    }
                }
            });
        }
    });
    let mut results = results
        .into_inner()
        .map_err(|_| fault("a worker stopped without a word".into()))?;
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

fn next<T>(queue: &Mutex<VecDeque<T>>) -> Option<T> {
    queue.lock().ok()?.pop_front()
}

fn stop<T>(queue: &Mutex<VecDeque<T>>) {
    if let Ok(mut queue) = queue.lock() {
        queue.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_tasks() {
        for workers in [1, 3, 50] {
            let tasks: Vec<u64> = (0..20).collect();
            let work = |task: u64| {
                // The first tasks take longest.
                std::hint::black_box((0..(20 - task) << 16).fold(0, |sum: u64, x| sum ^ x));
                Ok(task * task)
            };
            let wanted: Vec<u64> = (0..20).map(|task| task * task).collect();
            assert_eq!(in_parallel(tasks, workers, work).unwrap(), wanted);
        }
    }

    #[test]
    fn a_failure_stops_what_is_not_begun() {
        let begun = Mutex::new(0);
        let work = |task: u64| {
            *begun.lock().unwrap() += 1;
            if task == 3 {
                return Err(fault("no".into()));
            }
            Ok(task)
        };
        let tasks = (0..100).collect();
        assert!(in_parallel(tasks, 1, work).is_err());
        assert_eq!(*begun.lock().unwrap(), 4);
    }
}
