//! The connections to PostgreSQL.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::{Connect, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use futures_util::{StreamExt, future::BoxFuture, stream};
use tokio::{runtime::Handle, sync::Semaphore, task::JoinHandle};
use tokio_postgres::{
    AsyncMessage, Client, Config, NoTls,
    error::{DbError, Severity},
};
use tokio_util::task::AbortOnDropHandle;

use crate::{Error, Settings, layouts::Layouts, meters::StepMeters, reading};

/// PostgreSQL, for this process. Cheap to clone.
///
/// Its connections live on the runtime that made it, whichever asks for one.
#[derive(Debug, Clone)]
pub struct Database {
    pool: Pool,
    warnings: Warnings,
    pub(crate) clock_max_skew: time::Duration,
    pub(crate) meters: StepMeters,
    layouts: Arc<Layouts>,
    pub(crate) readers: Arc<Semaphore>,
    pub(crate) wait: Duration,
    /// How long the answer to a read may take.
    pub(crate) answer_within: Duration,
}

impl Database {
    /// A pool that connects when it is first asked to, on the current runtime.
    ///
    /// # Errors
    /// When the pool can't be built from these settings.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let warnings = Warnings::default();
        let connect = Connector { warnings: warnings.clone(), runtime: Handle::current() };
        // A dead socket is noticed at its first use, before anything is sent to COMMIT.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(session(settings), connect, recycling);
        let wait = Some(settings.wait());
        let pool = Pool::builder(manager)
            .max_size(settings.database_pool_size.get())
            .timeouts(Timeouts { wait, create: wait, recycle: wait })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| Error::Defect("the pool can't be built"))?;
        let clock_max_skew = time::Duration::seconds(settings.clock_max_skew_seconds);
        Ok(Self {
            pool,
            warnings,
            clock_max_skew,
            meters: StepMeters::new(),
            layouts: Arc::default(),
            readers: reading::places(settings.database_pool_size.get()),
            wait: settings.wait(),
            answer_within: Duration::from_millis(settings.statement_timeout_millis) + reading::ANSWER_SLACK,
        })
    }

    /// A connection, for one transaction or some reads.
    pub(crate) async fn connection(&self) -> Result<Object, Error> {
        Ok(self.pool.get().await?)
    }

    pub(crate) fn layouts(&self) -> &Layouts {
        &self.layouts
    }

    pub(crate) fn warnings(&self) -> &Warnings {
        &self.warnings
    }
}

/// Plans must not hang on statistics: a table that was empty when a statement was planned would be
/// scanned whole for good. So only index scans and loops over them are left to the planner, and a
/// plan is made once.
///
/// On a small table all indexes that can serve a statement cost the same, but for the conditions that they check:
/// the better an index fits the more it would cost. So conditions cost nothing, and the youngest index wins
/// (see the migration).
pub(crate) const PLANNING: [(&str, &str); 9] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_material", "off"),
    ("enable_sort", "off"),
    ("jit", "off"),
    ("cpu_operator_cost", "0"),
];

/// What every session of ours has. These are options of the connection; behind a pooler that drops them, set
/// them with ALTER ROLE.
fn session(settings: &Settings) -> Config {
    let mut config = settings.database_url.clone();
    let own = [
        format!("statement_timeout={}", settings.statement_timeout_millis),
        format!("lock_timeout={}", settings.lock_timeout_millis),
        "idle_in_transaction_session_timeout=2000".into(),
        "timezone=UTC".into(),
    ];
    let options = own.into_iter().chain(PLANNING.map(|(name, value)| format!("{name}={value}")));
    let mut all = settings.database_url.get_options().unwrap_or_default().to_owned();
    for option in options {
        all.push_str(" -c ");
        all.push_str(&option);
    }
    config.options(all);
    config.connect_timeout(settings.wait());
    // A server that vanished without a word is given up after about ten seconds.
    config.tcp_user_timeout(Duration::from_secs(10));
    config
        .keepalives_idle(Duration::from_secs(5))
        .keepalives_interval(Duration::from_secs(2))
        .keepalives_retries(3);
    if config.get_application_name().is_none() {
        config.application_name("holdfast");
    }
    config
}

/// How many warnings PostgreSQL has sent to this process. A COMMIT during which one came counts as
/// unknown: a cancelled wait for a standby is told by a mere warning.
#[derive(Debug, Clone, Default)]
pub(crate) struct Warnings(Arc<AtomicU64>);

impl Warnings {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// By the parsed severity: the word itself is in the server's language.
    fn hear(&self, notice: &DbError) {
        if notice.parsed_severity() == Some(Severity::Warning) {
            self.0.fetch_add(1, Ordering::Release);
            tracing::warn!(code = notice.code().code(), "PostgreSQL warns: {}", notice.message());
        }
    }
}

/// Opens connections and listens to what PostgreSQL says besides.
struct Connector {
    warnings: Warnings,
    /// Whoever asks for a connection, this one opens and drives it: the runtime of an HTTP worker ends before the lanes.
    runtime: Handle,
}

impl Connect for Connector {
    fn connect(
        &self,
        config: &Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        let config = config.clone();
        let (warnings, runtime) = (self.warnings.clone(), self.runtime.clone());
        Box::pin(async move {
            // Ends with whoever waits for it: a server that takes connections and says nothing would collect them.
            let opened = AbortOnDropHandle::new(runtime.spawn(async move { config.connect(NoTls).await }));
            let Ok(opened) = opened.await else {
                // The runtime is being shut down. The pool's time-out ends the wait of whoever still asks.
                return std::future::pending().await;
            };
            let (client, mut connection) = opened?;
            let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
            // Ends with the connection, which ends with its client.
            let task = runtime.spawn(async move {
                while let Some(message) = messages.next().await {
                    match message {
                        Ok(AsyncMessage::Notice(notice)) => warnings.hear(&notice),
                        Ok(_) => {}
                        Err(error) => {
                            tracing::info!(%error, "a connection to PostgreSQL broke");
                            break;
                        }
                    }
                }
            });
            Ok((client, task))
        })
    }
}
