//! Standard error, written by a thread of its own (F61).
//!
//! Whoever logs only puts a line into a bounded queue. When nobody reads standard error (a full
//! pipe, a stopped terminal) the queue fills, further lines are counted instead, and as soon as it
//! can be written again a line says how many are missing.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Most bytes that wait to be written, and as many may be on their way.
const MOST: usize = 2 * 1024 * 1024;

/// How long the end of the program waits for what is not written yet.
const FLUSH: Duration = Duration::from_secs(2);

/// Where lines go to be written. Cheap to clone; never blocks.
#[derive(Clone)]
pub(super) struct Sink(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    more: Condvar,
    done: Condvar,
    /// Lines that were not written since the start.
    lost: Arc<AtomicU64>,
}

#[derive(Default)]
struct Queue {
    lines: Vec<Vec<u8>>,
    bytes: usize,
    /// Lines that found no room since the queue was last emptied.
    missing: u64,
    /// Something is being written.
    writing: bool,
}

impl Queue {
    fn is_done(&self) -> bool {
        self.lines.is_empty() && self.missing == 0 && !self.writing
    }
}

impl Sink {
    /// Begins to write. `missing` makes the line that says how many are missing.
    pub(super) fn begin(
        output: impl Write + Send + 'static,
        missing: fn(u64) -> String,
    ) -> io::Result<Self> {
        let sink = Self(Arc::new(Shared {
            queue: Mutex::default(),
            more: Condvar::new(),
            done: Condvar::new(),
            lost: Arc::default(),
        }));
        let shared = Arc::clone(&sink.0);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || shared.write_for_ever(output, missing))?;
        Ok(sink)
    }

    /// Counts the lines that were not written since the start.
    pub(super) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.0.lost)
    }

    /// Waits until what was logged is written, but not for ever.
    pub(super) fn flush(&self) {
        let queue = self.0.lock();
        let _ = self
            .0
            .done
            .wait_timeout_while(queue, FLUSH, |queue| !queue.is_done());
    }

    fn push(&self, line: Vec<u8>) {
        let mut queue = self.0.lock();
        if queue.bytes + line.len() > MOST {
            queue.missing += 1;
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        } else {
            queue.bytes += line.len();
            queue.lines.push(line);
        }
        drop(queue);
        self.0.more.notify_one();
    }
}

impl Shared {
    /// The lock is never held while something is written.
    fn write_for_ever(&self, mut output: impl Write, missing: fn(u64) -> String) {
        loop {
            let queue = self.lock();
            let queue = self.more.wait_while(queue, |queue| queue.is_done());
            let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
            let taken = std::mem::take(&mut *queue);
            queue.writing = true;
            drop(queue);
            // Where something can't be written there is nobody to tell.
            for line in &taken.lines {
                let _ = output.write_all(line);
            }
            if taken.missing > 0 {
                let _ = output.write_all(missing(taken.missing).as_bytes());
            }
            let _ = output.flush();
            self.lock().writing = false;
            self.done.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // What a panic left behind is whole: nothing here panics between two changes.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One event's line, queued when it is complete.
pub(super) struct LineWriter {
    sink: Sink,
    line: Vec<u8>,
}

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.sink.push(std::mem::take(&mut self.line));
        }
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> LineWriter {
        LineWriter {
            sink: self.clone(),
            line: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output that takes nothing until it is opened.
    #[derive(Clone, Default)]
    struct Pipe(Arc<Ends>);

    #[derive(Default)]
    struct Ends {
        taken: Mutex<Taken>,
        opened: Condvar,
    }

    #[derive(Default)]
    struct Taken {
        open: bool,
        bytes: Vec<u8>,
    }

    impl Pipe {
        fn open(&self) {
            self.0.taken.lock().unwrap().open = true;
            self.0.opened.notify_all();
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.taken.lock().unwrap().bytes.clone()).unwrap()
        }
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = self.0.taken.lock().unwrap();
            let mut taken = self.0.opened.wait_while(taken, |t| !t.open).unwrap();
            taken.bytes.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn missing(count: u64) -> String {
        format!("{count} missing\n")
    }

    fn log(sink: &Sink, number: usize) {
        writeln!(sink.make_writer(), "{number:0999}").unwrap();
    }

    #[test]
    fn f61_a_sink_that_takes_nothing_stops_nobody_and_says_afterwards_what_is_missing() {
        let output = Pipe::default();
        let sink = Sink::begin(output.clone(), missing).unwrap();
        let all = 10_000;
        (0..all).for_each(|number| log(&sink, number));
        let lost = sink.lost().load(Ordering::Relaxed);
        assert!(lost > 0);
        output.open();
        sink.flush();
        log(&sink, all);
        sink.flush();
        let text = output.text();
        assert!(text.starts_with(&format!("{:0999}\n", 0)));
        assert!(text.ends_with(&format!("{all:0999}\n")));
        let (said, lines): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.len() < 999);
        assert_eq!(said, [format!("{lost} missing")]);
        assert_eq!(lines.len() as u64 + lost, all as u64 + 1);
    }

    #[test]
    fn f61_the_end_does_not_wait_for_ever() {
        let sink = Sink::begin(Pipe::default(), missing).unwrap();
        log(&sink, 1);
        sink.flush();
    }

    #[test]
    fn what_was_logged_is_written_when_the_program_ends() {
        let output = Pipe::default();
        output.open();
        let sink = Sink::begin(output.clone(), missing).unwrap();
        (0..500).for_each(|number| log(&sink, number));
        sink.flush();
        assert_eq!(output.text().lines().count(), 500);
    }
}
