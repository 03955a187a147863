//! The FastCGI listener: Apache asks here. Local only, as the check listener is.

use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use aeolus_decide::{Deny, Reason};
use aeolus_tls::{Connection, Listener};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::accept::accept_each;
use crate::codec::Dialect;
use crate::codec::fastcgi::{self, record};
use crate::gate::{Gate, Verdict};
use crate::observe::Via;
use crate::server::stopped;

/// How long Apache may take for one question.
const ASK: Duration = Duration::from_secs(10);

/// Most bytes of variables; Apache's own limit of a request's head is below that.
const MOST: usize = 128 * 1024;

/// Accepts until told to stop, then lets open requests finish.
pub async fn run(listener: Listener, gate: Arc<Gate>, shutdown: CancellationToken) {
    // It has no word for a refusal: Apache takes the connection's end for one.
    let asked = Arc::clone(&gate);
    accept_each(
        listener,
        gate,
        (&[], shutdown),
        move |connection, shutdown| serve(connection, Arc::clone(&asked), shutdown),
    )
    .await;
}

async fn serve(connection: Connection, gate: Arc<Gate>, shutdown: CancellationToken) {
    let mut stream = connection.stream;
    loop {
        let asked = tokio::select! {
            asked = timeout(ASK, ask(&mut stream)) => asked,
            () = stopped(&shutdown) => return,
        };
        // Whoever speaks something else, or nothing in time, is answered by the connection's end,
        // which Apache takes for an error: closed.
        let Ok(Ok(Some(asked))) = asked else {
            return;
        };
        let answer = unless_it_panics(decide(&gate, &asked.params)).await;
        let answer = answer.unwrap_or_else(|| {
            gate.metrics.panicked();
            fastcgi::render(&Verdict::Deny(Deny::because(Reason::Internal)), &[])
        });
        let bytes = record::answer(asked.request, answer.as_bytes());
        let written = timeout(ASK, stream.write_all(&bytes)).await;
        let keep = asked.keep && !gate.is_draining();
        if !matches!(written, Ok(Ok(()))) || !keep {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// What a future comes to; nothing if it panics on the way.
async fn unless_it_panics<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |poll| poll.map(Some))
    })
    .await
}

async fn decide(gate: &Gate, params: &[u8]) -> String {
    let params = record::params(params).unwrap_or_default();
    let lines = fastcgi::Params(&params);
    let via = Via {
        dialect: Dialect::Apache,
        lines: &lines,
    };
    let judged = match fastcgi::parse(&params) {
        Some(question) => gate.check(&question, via).await,
        None => gate.refuse(Reason::TargetForm, None, via),
    };
    let mut answer = fastcgi::render(&judged.verdict, &params);
    fastcgi::stamp(&mut answer, &judged.stamp);
    answer
}

/// One question.
struct Asked {
    request: u16,
    keep: bool,
    params: Vec<u8>,
}

/// Reads the records of one request; none if there are none, or they make no sense. One request at
/// a time: another one's records in between end the connection.
async fn ask(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Asked>> {
    let mut asked: Option<Asked> = None;
    loop {
        let mut head = [0; record::HEAD];
        stream.read_exact(&mut head).await?;
        let Some(head) = record::Head::parse(head) else {
            return Ok(None);
        };
        let mut content = vec![0; usize::from(head.content) + usize::from(head.padding)];
        stream.read_exact(&mut content).await?;
        content.truncate(usize::from(head.content));
        match (head.kind, asked.as_mut()) {
            (record::BEGIN_REQUEST, None) => {
                let Some(begin) = record::Begin::parse(&content) else {
                    return Ok(None);
                };
                asked = Some(Asked {
                    request: head.request,
                    keep: begin.keep,
                    params: Vec::new(),
                });
            }
            (record::PARAMS, Some(open)) if open.request == head.request => {
                if content.is_empty() {
                    return Ok(asked);
                }
                if open.params.len() + content.len() > MOST {
                    return Ok(None);
                }
                open.params.append(&mut content);
            }
            // What is left of the request before: a body it never had.
            (record::STDIN, None) => {}
            _ => return Ok(None),
        }
    }
}
