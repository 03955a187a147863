//! Arguments of `token`.

use std::path::PathBuf;

use aeolus_api::Period;
use aeolus_api::token::{TokenKind, TokenScope};
use aeolus_model::{Permission, RoleName, TokenId};
use clap::{ArgGroup, Args, Subcommand};

use super::Target;

/// API tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print its value, which is shown this once.
    Create(TokenCreate),
    /// List tokens, by age, use and expiry.
    List(TokenList),
    /// Show a token, with the values from before its last rotation that are still good.
    Show(TokenOne),
    /// Change what a token is called and what it is said to be for.
    Update(TokenUpdate),
    /// Give a token these roles and no others.
    Roles(TokenRoles),
    /// Give a token a new value and print it. The old one stays good for the grace.
    Rotate(TokenRotate),
    /// End the values from before a token's last rotation now, before their grace is over.
    EndGrace(TokenDelete),
    /// Delete a token: connected planes refuse it within two seconds.
    Delete(TokenDelete),
    /// Delete many tokens in one step: all of them or none.
    Revoke(TokenRevoke),
    /// Check a token, read from standard input, against a key set, without any server.
    Verify(TokenVerify),
}

/// `token create`.
#[derive(Debug, Default, Args)]
#[command(group = ArgGroup::new("scope").required(true).args(["organization", "workspace", "deployment"]))]
#[command(group = ArgGroup::new("authority").required(true).multiple(true).args(["role", "user", "direct"]))]
pub(crate) struct TokenCreate {
    /// What to call it.
    #[arg(long, value_name = "NAME", default_value = "token")]
    pub(crate) name: String,
    /// What it is for.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) description: String,
    /// It reaches everything in this organization.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// It reaches this workspace: ORGANIZATION/WORKSPACE.
    #[arg(long, value_name = "PATH")]
    pub(crate) workspace: Option<String>,
    /// It reaches this deployment: ORGANIZATION/WORKSPACE/DEPLOYMENT.
    #[arg(long, value_name = "PATH")]
    pub(crate) deployment: Option<String>,
    /// What it may do there: a built-in role, or the name of one of the organization's own.
    #[arg(long, value_name = "ROLE", conflicts_with = "user")]
    pub(crate) role: Option<RoleName>,
    /// Put its authority inside: gates accept it without knowing it, also while they are cut off. Only
    /// organization owners make these, control refuses them, and they have at most what
    /// `WORKSPACE_OPERATOR` may do on deployments.
    #[arg(long, conflicts_with = "user")]
    pub(crate) direct: bool,
    /// With `--direct`: no more than this permission of its role. Can be repeated.
    #[arg(long, value_name = "PERMISSION", requires = "direct")]
    pub(crate) permission: Vec<Permission>,
    /// Days until it expires, 1 to 3650; absent: 90 with control, 1 without. `--expiration` is the same.
    #[arg(long, alias = "expiration", value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: Option<u32>,
    /// It never expires, where the organization's policy allows that.
    #[arg(long, conflicts_with = "days")]
    pub(crate) never_expires: bool,
    /// Don't wait (up to 2 s) until planes know it.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Without control: the keys folder of `aeolus plane build`.
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
    /// Without control: an access token of this person for the deployment, instead of an API token.
    #[arg(long, value_name = "EMAIL", requires = "keys", requires = "deployment")]
    pub(crate) user: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `token list`.
#[derive(Debug, Args)]
pub(crate) struct TokenList {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Only those that expire within so many days.
    #[arg(long, value_name = "DAYS")]
    pub(crate) expiring_within: Option<u32>,
    /// Only those whose newest value is older than so many days.
    #[arg(long, value_name = "DAYS")]
    pub(crate) older_than: Option<u32>,
    /// Only those that nobody used for so many days.
    #[arg(long, value_name = "DAYS")]
    pub(crate) unused_for: Option<u32>,
    /// Only those that this person made: e-mail address or id.
    #[arg(long, value_name = "PERSON")]
    pub(crate) created_by: Option<String>,
    /// Only those that reach so far: ORGANIZATION, WORKSPACE or DEPLOYMENT.
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    pub(crate) scope: Option<TokenScope>,
    /// Only those made for exactly this: ORGANIZATION, ORGANIZATION/WORKSPACE or
    /// ORGANIZATION/WORKSPACE/DEPLOYMENT.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["organization", "scope"])]
    pub(crate) at: Option<String>,
    /// Only those of this kind: `STANDARD` or `DIRECT_ACCESS`.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub(crate) kind: Option<TokenKind>,
    /// Print CSV with maker, age, use and expiry of each, for an audit.
    #[arg(long)]
    pub(crate) csv: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `token show`.
#[derive(Debug, Args)]
pub(crate) struct TokenOne {
    /// Its id.
    pub(crate) id: TokenId,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `token update`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["name", "description"]))]
pub(crate) struct TokenUpdate {
    #[command(flatten)]
    pub(crate) token: TokenOne,
    /// What to call it.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
}

/// `token roles`.
#[derive(Debug, Args)]
pub(crate) struct TokenRoles {
    #[command(flatten)]
    pub(crate) token: TokenOne,
    /// A role and where, such as `acme/sales=WORKSPACE_OPERATOR`. Can be repeated.
    #[arg(long = "role", value_name = "PLACE=ROLE", required = true)]
    pub(crate) roles: Vec<String>,
}

/// `token rotate`.
#[derive(Debug, Args)]
pub(crate) struct TokenRotate {
    #[command(flatten)]
    pub(crate) token: TokenOne,
    /// How long the old value stays good, such as 24h, at most 30d; 0s: it ends now. Absent: what the
    /// organization's policy says, else 0s.
    #[arg(long, value_name = "PERIOD")]
    pub(crate) grace: Option<Period>,
    /// Days until the new value expires, 1 to 3650; absent: as many as the old one was made for.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: Option<u32>,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// `token revoke`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["ids", "older_than", "created_by"]))]
pub(crate) struct TokenRevoke {
    /// These tokens.
    #[arg(value_name = "ID", conflicts_with_all = ["older_than", "created_by", "sessions"])]
    pub(crate) ids: Vec<TokenId>,
    /// Those whose newest value is older, such as 90d; 0s: all.
    #[arg(long, value_name = "PERIOD")]
    pub(crate) older_than: Option<Period>,
    /// Those that this person made: e-mail address or id.
    #[arg(long, value_name = "PERSON")]
    pub(crate) created_by: Option<String>,
    /// With `--older-than`: also end what was signed in before then, of that person or of everybody.
    #[arg(long, requires = "older_than")]
    pub(crate) sessions: bool,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Don't wait (up to 2 s) until planes refuse them.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `token delete`, `token end-grace`.
#[derive(Debug, Args)]
pub(crate) struct TokenDelete {
    #[command(flatten)]
    pub(crate) token: TokenOne,
    /// Don't wait (up to 2 s) until planes refuse it.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// `token verify`.
#[derive(Debug, Args)]
pub(crate) struct TokenVerify {
    /// The key set (RFC 7517).
    #[arg(long, value_name = "FILE")]
    pub(crate) jwks: PathBuf,
    /// The status list that the token names: says whether it was revoked.
    #[arg(long, value_name = "FILE", conflicts_with = "signature_only")]
    pub(crate) status_list: Option<PathBuf>,
    /// Only the signature; not the times.
    #[arg(long)]
    pub(crate) signature_only: bool,
}

fn scope(text: &str) -> Result<TokenScope, String> {
    let all = [
        TokenScope::Organization,
        TokenScope::Workspace,
        TokenScope::Deployment,
    ];
    let found = all
        .into_iter()
        .find(|scope| scope.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "use ORGANIZATION, WORKSPACE or DEPLOYMENT".to_owned())
}

fn kind(text: &str) -> Result<TokenKind, String> {
    let all = [TokenKind::Standard, TokenKind::DirectAccess];
    let found = all
        .into_iter()
        .find(|kind| kind.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "use STANDARD or DIRECT_ACCESS".to_owned())
}
