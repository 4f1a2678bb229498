//! A thread that writes what others hand it through a bounded queue, so that no request waits for a disk by itself.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Ends, and waits for the thread to write what is queued, when dropped.
#[derive(Debug)]
pub(super) struct Worker<T> {
    queue: Option<SyncSender<T>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Worker<T> {
    pub(super) fn start(
        name: &str,
        places: usize,
        run: impl FnOnce(Receiver<T>) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(places);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a job; false if there is no place for it.
    pub(super) fn offer(&self, job: T) -> bool {
        self.queue.as_ref().is_some_and(|queue| queue.try_send(job).is_ok())
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.queue = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a thread that writes audit lines ended early");
        }
    }
}
