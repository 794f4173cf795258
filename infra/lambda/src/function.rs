//! The function: its processes, and one invocation after the other for each of them.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::api::{Answer, Api, Doing, Piece};
use crate::process::Process;
use crate::protocol;

/// How long a process may take until it asks for its first invocation, as on Lambda.
const START: Duration = Duration::from_secs(10);

/// How the function runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program.
    pub program: PathBuf,
    /// Its environment, beside what Lambda sets.
    pub environment: Vec<(String, String)>,
    /// Processes at once; further callers wait.
    pub processes: usize,
    /// An invocation's time.
    pub timeout: Duration,
    /// Whether processes are frozen between invocations, as on Lambda.
    pub freezes: bool,
    /// Where what the processes print goes; otherwise to this program's own outputs.
    pub log: Option<PathBuf>,
}

/// An invocation on its way to a process.
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) event: Bytes,
    pub(crate) deadline_ms: u64,
    pub(crate) answer: oneshot::Sender<Result<Answer, Failure>>,
}

/// Why an invocation has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The function said that it failed, with this type of error.
    Function(String),
    /// The process ended.
    Exited,
    /// The deadline came; the process was killed.
    TimedOut,
    /// No process could be started.
    NotStarted(String),
    /// The event is larger than Lambda takes.
    TooLarge,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(kind) => write!(f, "the function failed: {kind}"),
            Self::Exited => f.write_str("Runtime.ExitError: the process ended"),
            Self::TimedOut => f.write_str("Sandbox.Timedout: the deadline came"),
            Self::NotStarted(reason) => write!(f, "Runtime.InitError: {reason}"),
            Self::TooLarge => f.write_str("RequestTooLarge: an event has at most 6 MB"),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub enum Invoked {
    /// Head and body of an answer to an HTTP request. The body breaks when its process does.
    Http {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: HeaderMap,
        /// Its body.
        body: Pieces,
    },
    /// What a direct invocation gave.
    Whole(Bytes),
}

/// The body of an answer.
pub struct Pieces {
    first: Option<Bytes>,
    rest: Option<mpsc::Receiver<Piece>>,
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pieces")
    }
}

impl Pieces {
    pub(crate) const fn whole(bytes: Bytes) -> Self {
        Self { first: Some(bytes), rest: None }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// When the process ended before the answer did.
    pub async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Some(Ok(first));
        }
        match self.rest.as_mut()?.recv().await {
            Some(Piece::Data(data)) => Some(Ok(data)),
            Some(Piece::End) => {
                self.rest = None;
                None
            }
            None => {
                self.rest = None;
                Some(Err(io::Error::other("the process ended in the middle of its answer")))
            }
        }
    }

    pub(crate) fn poll_next(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<io::Result<Bytes>>> {
        std::pin::pin!(self.next()).poll(cx)
    }
}

/// A running function.
#[derive(Clone)]
pub struct Function(Arc<Inner>);

struct Inner {
    settings: Settings,
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Instance>>,
    invocations: AtomicU64,
    starts: AtomicU64,
    start_times: Mutex<Vec<Duration>>,
}

struct Instance {
    process: Process,
    api: Api,
}

impl Function {
    /// The function, without a process until the first invocation.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let slots = Arc::new(Semaphore::new(settings.processes.max(1)));
        Self(Arc::new(Inner {
            settings,
            slots,
            idle: Mutex::default(),
            invocations: AtomicU64::new(0),
            starts: AtomicU64::new(0),
            start_times: Mutex::default(),
        }))
    }

    /// How many processes were started so far.
    #[must_use]
    pub fn starts(&self) -> u64 {
        self.0.starts.load(Ordering::Relaxed)
    }

    /// How long each process took from its start until it asked for its first invocation.
    #[must_use]
    pub fn start_times(&self) -> Vec<Duration> {
        self.0.start_times.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Processes that wait for an invocation.
    #[must_use]
    pub fn idle_processes(&self) -> Vec<u32> {
        self.idle().iter().map(|instance| instance.process.id()).collect()
    }

    /// Ends the processes that wait: the next invocation meets a cold start.
    pub async fn end_idle(&self) {
        let idle = std::mem::take(&mut *self.idle());
        for mut instance in idle {
            instance.process.kill().await;
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Instance>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new invocation's id.
    pub(crate) fn next_id(&self) -> String {
        let number = self.0.invocations.fetch_add(1, Ordering::Relaxed);
        format!("00000000-0000-4000-8000-{number:012x}")
    }

    /// Invokes the function with the event of an HTTP request, or with one of its own.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn invoke(&self, event: Bytes, is_http: bool) -> Result<Invoked, Failure> {
        if event.len() > protocol::LARGEST_EVENT {
            return Err(Failure::TooLarge);
        }
        let slot = Arc::clone(&self.0.slots).acquire_owned().await.map_err(|_| Failure::Exited)?;
        let (answer, answered) = oneshot::channel();
        // From here on the invocation goes its way, whether or not the caller stays.
        let function = self.clone();
        tokio::spawn(async move {
            let _slot = slot;
            function.run(event, answer).await;
        });
        match answered.await.unwrap_or(Err(Failure::Exited))? {
            Answer::Stream(head, rest) => Ok(Invoked::Http {
                status: head.status,
                headers: head.headers,
                body: Pieces { first: None, rest: Some(rest) },
            }),
            Answer::Whole(whole) if is_http => {
                let malformed = || Failure::Function("Runtime.MalformedResponse".to_owned());
                let (head, body) = protocol::whole(&whole).ok_or_else(malformed)?;
                let body = Pieces::whole(body);
                Ok(Invoked::Http { status: head.status, headers: head.headers, body })
            }
            Answer::Whole(whole) => Ok(Invoked::Whole(whole)),
        }
    }

    /// Runs one invocation on a process of its own until it asks for the next one.
    async fn run(&self, event: Bytes, answer: oneshot::Sender<Result<Answer, Failure>>) {
        let mut instance = match self.instance().await {
            Ok(instance) => instance,
            Err(reason) => {
                let _ = answer.send(Err(Failure::NotStarted(reason)));
                return;
            }
        };
        instance.process.thaw().await;
        let deadline = SystemTime::now() + self.0.settings.timeout;
        let deadline_ms =
            deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let mut doing = instance.api.doing();
        doing.mark_unchanged();
        instance.api.give(Job { id: self.next_id(), event, deadline_ms, answer }).await;
        let mut worked = false;
        let until_waiting = async {
            // First it takes the invocation, then it asks for another one.
            while doing.changed().await.is_ok() {
                match *doing.borrow_and_update() {
                    Doing::Working => worked = true,
                    Doing::Waiting if worked => return,
                    _ => {}
                }
            }
        };
        let failure = tokio::select! {
            () = until_waiting => None,
            () = instance.process.ended() => Some(Failure::Exited),
            () = tokio::time::sleep(self.0.settings.timeout) => Some(Failure::TimedOut),
        };
        match failure {
            None => {
                instance.process.freeze().await;
                self.idle().push(instance);
            }
            Some(failure) => {
                instance.process.kill().await;
                instance.api.fail(failure);
            }
        }
    }

    /// A process that waits, or a new one.
    async fn instance(&self) -> Result<Instance, String> {
        loop {
            let waiting = self.idle().pop();
            let Some(mut instance) = waiting else { break };
            if instance.process.lives() {
                return Ok(instance);
            }
        }
        self.0.starts.fetch_add(1, Ordering::Relaxed);
        let api = Api::start().await.map_err(|error| error.to_string())?;
        let mut doing = api.doing();
        let begun = Instant::now();
        let mut process = Process::start(&self.0.settings, api.address())
            .map_err(|error| format!("{}: {error}", self.0.settings.program.display()))?;
        let started = tokio::select! {
            state = doing.wait_for(|doing| *doing != Doing::Starting) => state.map(|state| *state).ok(),
            () = process.ended() => None,
            () = tokio::time::sleep(START) => None,
        };
        match started {
            Some(Doing::Waiting) => {
                self.0.start_times.lock().unwrap_or_else(PoisonError::into_inner).push(begun.elapsed());
                Ok(Instance { process, api })
            }
            _ => {
                process.kill().await;
                Err("the process did not ask for an invocation".to_owned())
            }
        }
    }
}
