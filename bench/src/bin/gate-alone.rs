//! The gate and nothing else, as `aeolus gate serve` runs it: what the budget of instructions is
//! counted on, because it is built in a fraction of the whole program's time.
//!
//! `gate-alone GATE_FOLDER ADDRESS` answers checks until it is told to stop.

use std::sync::Arc;

use aeolus_gate::{GateConfig, serve};
use aeolus_keys::SystemRng;
use aeolus_model::SystemClock;
use anyhow::bail;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [folder, address] = arguments.as_slice() else {
        bail!("usage: gate-alone GATE_FOLDER ADDRESS");
    };
    let config = GateConfig {
        data: folder.into(),
        checks: vec![address.parse()?],
        ..GateConfig::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let mut stop = signal(SignalKind::terminate())?;
        let told = shutdown.clone();
        tokio::spawn(async move {
            stop.recv().await;
            told.cancel();
        });
        let (ready, _) = oneshot::channel();
        serve(
            config,
            Arc::new(SystemClock),
            Arc::new(SystemRng),
            ready,
            shutdown,
        )
        .await?;
        Ok(())
    })
}
