//! Why a cluster didn't do what was asked.

use std::fmt;

/// What an API server says about a refusal, on one line and without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its word for it, such as `Conflict`.
    pub reason: String,
    /// Its sentence.
    pub message: String,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Told {
    pub(crate) fn new(reason: &str, message: &str) -> Self {
        let shown = |text: &str| {
            let plain = text
                .chars()
                .map(|char| if char.is_control() { ' ' } else { char });
            plain.take(500).collect()
        };
        Self {
            reason: shown(reason),
            message: shown(message),
        }
    }
}

/// Why a cluster didn't do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubeError {
    /// There is nothing that says where the cluster is and who asks.
    #[error("no cluster is configured: {0}")]
    Config(String),
    /// No connection, or no answer in time.
    #[error("the API server can't be reached: {0}")]
    Unreachable(String),
    /// No answer within the time that a request has, in seconds.
    #[error("the API server didn't answer within {0} s")]
    Timeout(u64),
    /// It doesn't know who asks (401).
    #[error("the API server doesn't accept the credentials: {0}")]
    Unauthenticated(Told),
    /// Who asks may not do that (403).
    #[error("the API server forbids it: {0}")]
    Forbidden(Told),
    /// The namespace takes nothing new, since it is being deleted (403).
    #[error("the namespace is being deleted")]
    Terminating,
    /// There is no such object (404).
    #[error("not found: {0}")]
    NotFound(Told),
    /// One of that name is there already (409).
    #[error("it exists already: {0}")]
    Exists(Told),
    /// Somebody else changed it meanwhile, or owns what was to be changed (409).
    #[error("somebody else has changed it: {0}")]
    Conflict(Told),
    /// What was asked makes no valid object (400, 422).
    #[error("the API server refuses it as invalid: {0}")]
    Invalid(Told),
    /// What a list or watch was to go on from is forgotten (410).
    #[error("the API server has forgotten where this went on: {0}")]
    Gone(Told),
    /// Any other refusal, with its status.
    #[error("the API server answers {status}: {told}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// What it says.
        told: Told,
    },
    /// The answer is none of the API's. What it was isn't said: it may have had values in it.
    #[error("the answer is none of the Kubernetes API: {0}")]
    Senseless(String),
}

impl KubeError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Config(_) => "KUBE-001",
            Self::Unreachable(_) | Self::Timeout(_) => "KUBE-002",
            Self::Unauthenticated(_) => "KUBE-003",
            Self::Forbidden(_) => "KUBE-004",
            Self::Terminating => "KUBE-005",
            Self::NotFound(_) => "KUBE-006",
            Self::Exists(_) => "KUBE-007",
            Self::Conflict(_) => "KUBE-008",
            Self::Invalid(_) => "KUBE-009",
            Self::Gone(_) => "KUBE-010",
            Self::Status { .. } => "KUBE-011",
            Self::Senseless(_) => "KUBE-012",
        }
    }

    /// What to do.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Config(_) => {
                "give --kubeconfig FILE, set KUBECONFIG, or run it in a pod with a service account"
            }
            Self::Unreachable(_) | Self::Timeout(_) => {
                "check the address in the kubeconfig, and that the API server is up: kubectl version"
            }
            Self::Unauthenticated(_) => {
                "renew the token or the client certificate of the kubeconfig; in a pod, mount the service account's token"
            }
            Self::Forbidden(_) => "grant the verb to the service account or user that asks",
            Self::Terminating => "nothing: it is gone soon",
            Self::NotFound(_) => "check the name and the namespace",
            Self::Exists(_) | Self::Conflict(_) => {
                "look who owns it: kubectl get -o yaml --show-managed-fields"
            }
            Self::Invalid(_) => "change what the message names",
            Self::Gone(_) => "run it again",
            Self::Status { .. } | Self::Senseless(_) => {
                "look at the API server's log, and at any proxy in front of it"
            }
        }
    }

    /// Whether a later try may do without anybody having changed something.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout(_) | Self::Gone(_) | Self::Conflict(_) => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }

    /// By what the library says. Its own texts about bodies are left out: they quote them.
    pub(crate) fn of(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(&status),
            kube::Error::SerdeError(error) => Self::senseless(&error),
            kube::Error::FromUtf8(_) => Self::Senseless("it is no text".to_owned()),
            kube::Error::Auth(error) => Self::Config(plain(&error)),
            kube::Error::InferConfig(error) => Self::Config(plain(&error)),
            kube::Error::InferKubeconfig(error) => Self::Config(plain(&error)),
            kube::Error::BuildRequest(error) => Self::Invalid(Told::new("Invalid", &plain(&error))),
            error => Self::Unreachable(chain(&error)),
        }
    }

    pub(crate) fn of_status(status: &kube::core::Status) -> Self {
        let told = Told::new(&status.reason, &status.message);
        match status.code {
            401 => Self::Unauthenticated(told),
            403 if is_terminating(status) => Self::Terminating,
            403 => Self::Forbidden(told),
            404 => Self::NotFound(told),
            409 if status.reason == "AlreadyExists" => Self::Exists(told),
            409 => Self::Conflict(told),
            400 | 422 => Self::Invalid(told),
            410 => Self::Gone(told),
            status => Self::Status { status, told },
        }
    }

    pub(crate) fn senseless(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        Self::Senseless(format!(
            "line {line}, column {column} is not what it should be"
        ))
    }
}

/// Old versions name the cause in the sentence alone.
fn is_terminating(status: &kube::core::Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let mut reasons = causes.map(|cause| cause.reason.as_str());
    reasons.any(|reason| reason == "NamespaceTerminating")
        || status.message.contains("because it is being terminated")
}

fn plain(error: &dyn std::error::Error) -> String {
    Told::new("", &error.to_string()).message
}

/// The last cause says most: "connection refused", not "service error".
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error;
    while let Some(cause) = said.source() {
        said = cause;
    }
    plain(said)
}
