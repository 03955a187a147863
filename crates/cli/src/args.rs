//! The command line.

mod access;
mod acme;
mod audit;
mod client;
mod connection;
mod context;
mod deployment;
mod doctor;
mod drill;
mod email;
mod explain;
mod grant;
mod invitation;
mod key;
mod kube;
mod kube_certificate;
mod kube_sync;
mod kube_tls;
mod org;
mod pki;
mod policy;
mod role;
mod rollout;
mod scim;
mod secret;
mod serving;
mod session;
mod team;
mod token;
mod user;
mod workspace;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use access::{AccessCommand, AccessReview};
pub(crate) use acme::PkiAcme;
pub(crate) use audit::{
    AuditCheckpoint, AuditCommand, AuditExport, AuditOf, AuditTail, AuditVerify,
};
pub(crate) use client::{
    ApplyArgs, Keep, LoginArgs, PlaneAdd, PlaneBuild, PlaneCommand, PlaneMove, PlaneShow, Target,
};
pub(crate) use connection::{
    ConnectionCommand, ConnectionList, ConnectionPlaneList, ConnectionPlaneRegister,
    ConnectionPlaneRemove, ConnectionShow,
};
pub(crate) use context::ContextCommand;
pub(crate) use deployment::{
    DeploymentCommand, DeploymentCreate, DeploymentDelete, DeploymentList,
};
pub(crate) use doctor::DoctorArgs;
pub(crate) use drill::{DrillCommand, DrillOutage};
pub(crate) use email::{EmailCommand, EmailTest};
pub(crate) use explain::ExplainArgs;
pub(crate) use grant::{GrantAdd, GrantCommand, GrantList, GrantRemove};
pub(crate) use invitation::{
    InvitationCommand, InvitationCreate, InvitationList, InvitationRevoke,
};
pub(crate) use key::{
    KeyCertificates, KeyCommand, KeyHeld, KeyImport, KeyList, KeyRemove, KeyReseal, KeyRotate,
};
pub(crate) use kube::{KubeAccess, KubeCommand};
pub(crate) use kube_certificate::{KubeCertificates, KubePullCertificate, KubeSigning};
pub(crate) use kube_sync::{
    KubeSync, KubeSyncExplain, KubeSyncPlan, KubeSyncQuestion, KubeSyncRun, KubeSyncScope,
};
pub(crate) use kube_tls::{
    KubeApplyTls, KubeCheck, KubeDryRun, KubeRenew, KubeRestartIngress, KubeSecret, Mark,
};
pub(crate) use org::{OrgCommand, OrgOne, OrgQuota, QuotaSet, QuotaShow};
pub(crate) use pki::{
    Passphrase, PkiAgainst, PkiCheck, PkiCommand, PkiCrl, PkiExport, PkiFolder, PkiFormat, PkiInit,
    PkiInspect, PkiIssue, PkiProfile, PkiRenew, PkiRevoke, PkiRotateCa, PkiSign,
};
pub(crate) use policy::{PolicyCommand, PolicySet, PolicyShow};
pub(crate) use role::{
    RoleCommand, RoleCreate, RoleDelete, RoleList, RoleOne, RolePermissions, RoleUpdate,
};
pub(crate) use rollout::{RolloutCommand, RolloutDelete, RolloutMove, RolloutSet, RolloutShow};
pub(crate) use scim::{
    ScimCheck, ScimCommand, ScimCredentialCommand, ScimCredentialCreate, ScimCredentialList,
    ScimCredentialOne, ScimCredentialRotate, ScimEvents, ScimKind, ScimLog, ScimProfile,
    ScimTemplates,
};
pub(crate) use secret::{SecretCommand, SecretList, SecretRotate};
pub(crate) use serving::{
    AirflowEnv, ClientKeys, ControlCommand, ControlFirstAdmin, ControlRecover,
    ControlResetSecondFactor, ControlServe, DemoArgs, DevArgs, Enroll, GateCommand, GateServe,
    Supervised,
};
pub(crate) use session::{SessionCommand, SessionEnd, SessionList};
pub(crate) use team::{
    TeamAdd, TeamCommand, TeamCreate, TeamDelete, TeamImport, TeamList, TeamMembers, TeamOne,
    TeamRemove, TeamRename, TeamUpdate,
};
pub(crate) use token::{
    TokenCommand, TokenCreate, TokenDelete, TokenList, TokenOne, TokenRevoke, TokenRoles,
    TokenRotate, TokenUpdate, TokenVerify,
};
pub(crate) use user::{
    UserAble, UserAdd, UserCommand, UserList, UserOffboard, UserRemove, UserReset,
};
pub(crate) use workspace::{WorkspaceCommand, WorkspaceList, WorkspaceOne};

use crate::ui::Output;

/// The open authentication plane for fleets of Apache Airflow.
///
/// Exit status: 0 done, 1 failed, 2 asked in a way that makes no sense, 3 done, with warnings.
#[derive(Debug, Parser)]
#[command(
    name = "aeolus",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// The form of answers.
    #[arg(long, short, global = true, value_enum, default_value_t)]
    pub(crate) output: Output,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole fleet on this machine: control plane and gate over one data folder.
    Dev(Box<DevArgs>),
    /// Run a sample fleet with a real Airflow behind its gate, to try on this machine.
    Demo(DemoArgs),
    /// Run the control plane.
    #[command(subcommand)]
    Control(Box<ControlCommand>),
    /// Run a gate of a data plane, and what belongs to it.
    #[command(subcommand)]
    Gate(GateCommand),
    /// Add, show and build data planes.
    #[command(subcommand)]
    Plane(PlaneCommand),
    /// Bring about what a fleet document describes, as a whole or not at all.
    Apply(ApplyArgs),
    /// Sign in to a control plane, through the browser.
    Login(LoginArgs),
    /// Forget the stored sign-in and end its session.
    Logout(Target),
    /// Show who is signed in.
    Whoami(Target),
    /// List the control planes that you are signed in at, and choose the one that commands use.
    #[command(subcommand)]
    Context(ContextCommand),
    /// Make, list, delete and verify API tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// List, rotate and remove the keys that control signs with.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Bring certificates into Kubernetes clusters, and keep them good there.
    #[command(subcommand)]
    Kube(KubeCommand),
    /// List and end signed-in sessions.
    #[command(subcommand)]
    Session(SessionCommand),
    /// Show the identity providers that people come through, and register planes there.
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// Make what identity providers provision with (SCIM), see what they asked, and try what they do.
    #[command(subcommand)]
    Scim(Box<ScimCommand>),
    /// List, add and remove people; end their access, disable and enable them, reset their second factors.
    #[command(subcommand)]
    User(UserCommand),
    /// Invite people into an organization.
    #[command(subcommand)]
    Invitation(InvitationCommand),
    /// List teams, and rename and delete those that stand for groups of identity providers.
    #[command(subcommand)]
    Team(TeamCommand),
    /// List, make, change and delete roles.
    #[command(subcommand)]
    Role(Box<RoleCommand>),
    /// List, give and take back roles.
    #[command(subcommand)]
    Grant(GrantCommand),
    /// Say who reaches which deployment, and why.
    #[command(subcommand)]
    Access(AccessCommand),
    /// Show and change an organization's rules, and see what a change would end.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// List, make and delete organizations; show and change what they may use.
    #[command(subcommand)]
    Org(OrgCommand),
    /// List, make and delete workspaces.
    #[command(subcommand)]
    Workspace(WorkspaceCommand),
    /// List, make and delete deployments.
    #[command(subcommand)]
    Deployment(DeploymentCommand),
    /// Show and move rollouts: which deployments take which path to their decision.
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Make an authority, issue, renew, revoke and check certificates.
    #[command(subcommand)]
    Pki(Box<PkiCommand>),
    /// Try out e-mail.
    #[command(subcommand)]
    Email(EmailCommand),
    /// Read, export and verify the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Say why: step by step why a gate lets a request through or doesn't, from the gate's folder alone;
    /// or, with `--subject`, what somebody may do somewhere and through which grants.
    Explain(Box<ExplainArgs>),
    /// Say which guard the proxy in front of a gate lacks: from its configuration, or by harmless
    /// requests.
    Doctor(DoctorArgs),
    /// Rehearse what may happen, at a live gate.
    #[command(subcommand)]
    Drill(DrillCommand),
    /// Check and show the configuration of servers.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print a reference page of this release.
    #[command(hide = true)]
    Reference {
        /// Which one.
        #[arg(value_enum)]
        page: Page,
    },
}

/// Configuration of servers.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check a configuration or fleet file: everything wrong with it at once, and nothing is run.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Show every value in effect and where it is from; secrets are masked.
    Print(ConfigFile),
    /// Print the JSON Schema of a file.
    Schema {
        /// Of which file.
        #[arg(value_enum, default_value_t)]
        of: SchemaOf,
    },
}

/// The files that have a schema.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum SchemaOf {
    /// The configuration of servers.
    #[default]
    Config,
    /// The fleet document.
    Fleet,
}

/// The configuration file.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ConfigFile {
    /// The configuration file. Environment variables and flags win over it.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// The pages that are made from the types and the command line.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Page {
    /// Every key of the configuration.
    Config,
    /// Every key of the fleet document.
    Fleet,
    /// Every command.
    Cli,
    /// The API of the control plane.
    Openapi,
}
