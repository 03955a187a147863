//! The verbs.

mod access;
mod acme;
mod apply;
mod audit;
mod config;
mod connection;
mod context;
mod control;
mod demo;
mod deployment;
mod dev;
mod doctor;
mod drill;
mod email;
mod explain;
mod first_admin;
mod gate;
mod grant;
mod invitation;
mod key;
mod kube;
mod login;
mod logs;
mod org;
mod pki;
mod place;
mod plane;
mod policy;
mod process;
mod recover;
mod role;
mod rollout;
mod scim;
mod second_factor;
mod session;
mod team;
mod token;
mod user;
mod workspace;

use std::future::Future;
use std::time::Duration;

use aeolus_keys::SystemRng;
use aeolus_model::SystemClock;
use clap::CommandFactory as _;

use crate::args::{
    AccessCommand, AuditCommand, Cli, Command, ConfigCommand, ControlCommand, DrillCommand,
    EmailCommand, GateCommand, KeyCommand, KubeCommand, PlaneCommand, RolloutCommand,
    SecretCommand, SessionCommand, TokenCommand,
};
use crate::config::Environment;
use crate::report::{Failure, Report};
use crate::ui::Output;

/// What every verb may need: the machine's clock, randomness and environment, and the form of
/// answers.
pub(crate) struct Context {
    /// The wall clock.
    pub(crate) clock: SystemClock,
    /// The machine's randomness.
    pub(crate) rng: SystemRng,
    /// The environment.
    pub(crate) environment: Environment,
    /// The form of answers.
    pub(crate) output: Output,
}

/// Does what was asked.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let context = Context {
        clock: SystemClock,
        rng: SystemRng,
        environment: Environment::of_process(),
        output: cli.output,
    };
    match cli.command {
        Command::Dev(args) => block_on(dev::dev(&args, &context)),
        Command::Demo(args) => block_on(demo::demo(&args, &context)),
        Command::Control(command) => of_control(*command, &context),
        Command::Gate(command) => match command {
            GateCommand::Enroll(args) => block_on(gate::enroll(&args, &context)),
            GateCommand::Serve(args) => gate::serve(&args, &context),
            GateCommand::AirflowEnv(args) => gate::airflow_env(&args),
            GateCommand::ClientKeys(args) => gate::client_keys::print(&args, &context),
            GateCommand::Secret(SecretCommand::Rotate(args)) => {
                gate::secret::rotate(&args, &context)
            }
            GateCommand::Secret(SecretCommand::List(args)) => gate::secret::list(&args, &context),
        },
        Command::Plane(command) => match command {
            PlaneCommand::Add(args) => block_on(plane::add(&args, &context)),
            PlaneCommand::Show(args) => block_on(plane::show(&args, &context)),
            PlaneCommand::Quarantine(args) => block_on(plane::quarantine(&args, &context)),
            PlaneCommand::Release(args) => block_on(plane::release(&args, &context)),
            PlaneCommand::Build(args) => plane::build(&args, &context),
        },
        Command::Apply(args) => block_on(apply::apply(&args, &context)),
        Command::Login(args) => block_on(login::login(&args, &context)),
        Command::Logout(target) => block_on(login::logout(&target, &context)),
        Command::Whoami(target) => block_on(login::whoami(&target, &context)),
        Command::Context(command) => context::context(&command, &context),
        Command::Token(command) => of_token(command, &context),
        Command::Key(command) => match command {
            KeyCommand::List(args) => block_on(key::list(&args, &context)),
            KeyCommand::Rotate(args) => block_on(key::rotate(&args, &context)),
            KeyCommand::Remove(args) => block_on(key::remove(&args, &context)),
            KeyCommand::Certificates(args) => block_on(key::certificates(&args, &context)),
            KeyCommand::Import(args) => key::import(&args, &context),
            KeyCommand::Reseal(args) => key::reseal(&args, &context),
        },
        Command::Kube(command) => match command {
            KubeCommand::Certificates(args) => block_on(kube::certificates(&args, &context)),
            KubeCommand::PullCertificate(args) => block_on(kube::pull(&args, &context)),
            KubeCommand::Sync(args) => block_on(kube::sync(&args, &context)),
            KubeCommand::ApplyTls(args) => block_on(kube::apply_tls(&args, &context)),
            KubeCommand::Check(args) => block_on(kube::check(&args, &context)),
            KubeCommand::Renew(args) => block_on(kube::renew(&args, &context)),
            KubeCommand::RestartIngress(args) => block_on(kube::restart_ingress(&args, &context)),
        },
        Command::Session(command) => match command {
            SessionCommand::List(args) => block_on(session::list(&args, &context)),
            SessionCommand::End(args) => block_on(session::end(&args, &context)),
        },
        Command::Connection(command) => block_on(connection::connection(&command, &context)),
        Command::Scim(command) => block_on(scim::scim(&command, &context)),
        Command::User(command) => block_on(user::user(&command, &context)),
        Command::Invitation(command) => block_on(invitation::invitation(&command, &context)),
        Command::Team(command) => block_on(team::team(&command, &context)),
        Command::Role(command) => block_on(role::role(&command, &context)),
        Command::Grant(command) => block_on(grant::grant(&command, &context)),
        Command::Access(AccessCommand::Review(args)) => block_on(access::review(&args, &context)),
        Command::Org(command) => block_on(org::org(&command, &context)),
        Command::Workspace(command) => block_on(workspace::workspace(&command, &context)),
        Command::Deployment(command) => block_on(deployment::deployment(&command, &context)),
        Command::Pki(command) => block_on(pki::pki(&command, &context)),
        Command::Email(EmailCommand::Test(args)) => block_on(email::test(&args, &context)),
        Command::Policy(command) => block_on(policy::policy(&command, &context)),
        Command::Rollout(command) => match command {
            RolloutCommand::Show(args) => block_on(rollout::show(&args, &context)),
            RolloutCommand::Set(args) => block_on(rollout::set(&args, &context)),
            RolloutCommand::Promote(args) => block_on(rollout::moved(&args, "promote", &context)),
            RolloutCommand::Abort(args) => block_on(rollout::moved(&args, "abort", &context)),
            RolloutCommand::Delete(args) => block_on(rollout::delete(&args, &context)),
        },
        Command::Audit(command) => match command {
            AuditCommand::Tail(args) => block_on(audit::tail(&args, &context)),
            AuditCommand::Export(args) => block_on(audit::export(&args, &context)),
            AuditCommand::Verify(args) => block_on(audit::verify(&args, &context)),
            AuditCommand::Checkpoint(args) => block_on(audit::checkpoint(&args, &context)),
        },
        Command::Explain(args) if args.subject.is_some() => {
            block_on(explain::access(&args, &context))
        }
        Command::Explain(args) => explain::explain(&args, &context),
        Command::Doctor(args) => block_on(doctor::doctor(&args, &context)),
        Command::Drill(DrillCommand::Outage(args)) => block_on(drill::outage(&args, &context)),
        Command::Config(command) => match command {
            ConfigCommand::Check { file } => config::check(&file, &context),
            ConfigCommand::Print(file) => config::print(&file, &context),
            ConfigCommand::Schema { of } => config::schema(of),
        },
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "aeolus", &mut script);
            crate::ui::print(&String::from_utf8_lossy(&script));
            Ok(())
        }
        Command::Reference { page } => crate::reference::print(page),
    }
}

fn of_token(command: TokenCommand, context: &Context) -> Result<(), Failure> {
    match command {
        TokenCommand::Create(args) if args.keys.is_some() => token::mint(&args, context),
        TokenCommand::Create(args) => block_on(token::create(&args, context)),
        TokenCommand::List(args) => block_on(token::list(&args, context)),
        TokenCommand::Show(args) => block_on(token::get(&args, context)),
        TokenCommand::Update(args) => block_on(token::update(&args, context)),
        TokenCommand::Roles(args) => block_on(token::roles(&args, context)),
        TokenCommand::Rotate(args) => block_on(token::rotate(&args, context)),
        TokenCommand::EndGrace(args) => block_on(token::end_grace(&args, context)),
        TokenCommand::Revoke(args) => block_on(token::revoke(&args, context)),
        TokenCommand::Delete(args) => block_on(token::delete(&args, context)),
        TokenCommand::Verify(args) => token::verify(&args, context),
    }
}

fn of_control(command: ControlCommand, context: &Context) -> Result<(), Failure> {
    match command {
        ControlCommand::Serve(args) => control::serve(&args, context),
        ControlCommand::FirstAdmin(args) => block_on(first_admin::first_admin(&args, context)),
        ControlCommand::Recover(args) => block_on(recover::recover(&args, context)),
        ControlCommand::ResetSecondFactor(args) => block_on(second_factor::reset(&args, context)),
    }
}

/// Runs a client's work: one thread is enough.
fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(no_runtime)?.block_on(work)
}

/// How long a server that has stopped waits for what still blocks a thread of it, such as a read of a
/// disk that hangs.
const LEFTOVERS: Duration = Duration::from_secs(2);

/// Runs a server: one thread per core.
fn serve_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(no_runtime)?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(LEFTOVERS);
    done
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as a function of map_err"
)]
fn no_runtime(error: std::io::Error) -> Failure {
    Report::new(
        "RUN-0005",
        format!("the system gives no threads or polls: {error}"),
    )
    .help("check the limits on processes and open files")
    .failed()
}
