//! The same tests on either database.

/// Runs tests of the module it stands in on either database: each is given its URL, if it isn't SQLite.
macro_rules! on_every_engine {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(None).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(url) = crate::cluster::new_database().await {
                    super::$name(Some(url)).await;
                }
            })*
        }
    };
}

pub(crate) use on_every_engine;
