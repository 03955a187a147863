//! From tokens to somebody.

use aeolus_keys::{Alg, ForeignKey, digest, jws};
use aeolus_model::{Email, IdentitySubject, Time};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::id_token::{Claims, Judge, outside};
use crate::identity::shown;
use crate::strict::Members;
use crate::{
    Attempt, Connection, Discovery, EmailVerified, Flow, GroupList, Groups, Identity, Mfa,
    SignInError, SubjectClaim, Tokens, UserInfo, access_token,
};

/// By what the tokens of one attempt are judged.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// Whose client.
    pub connection: &'a Connection,
    /// What the provider says of itself.
    pub discovery: &'a Discovery,
    /// The provider's keys: `JwkSet::foreign_keys_for` with [`Discovery::algorithms`].
    pub keys: &'a [ForeignKey],
    /// The attempt that was answered.
    pub attempt: &'a Attempt,
    /// Now.
    pub now: Time,
}

/// Somebody whose tokens hold. What they are called and which groups they have may still have to be
/// asked.
#[derive(Debug)]
pub struct Proved<'a> {
    connection: &'a Connection,
    /// The token's `sub`, which userinfo's has to be.
    sub: String,
    /// What names them for good.
    subject: IdentitySubject,
    claims: Members,
    auth_time: Option<Time>,
    /// Whether there is nothing but an access token.
    bare: bool,
}

impl<'a> Proof<'a> {
    /// Judges the tokens: what costs nothing comes first, the signature last.
    ///
    /// [`SignInError::Key`] may mean that the provider has new keys: fetch them, and judge once more.
    pub fn of_tokens(&self, tokens: &Tokens) -> Result<Proved<'a>, SignInError> {
        let judge = Judge {
            connection: self.connection,
            discovery: self.discovery,
            keys: self.keys,
            now: self.now,
        };
        match (&tokens.id_token, &tokens.access_token) {
            (Some(id_token), access_token) => {
                let access_token = access_token.as_ref().map(|token| token.expose().as_str());
                self.id_token(judge, id_token.expose(), access_token)
            }
            // Only where that is what was asked for: else somebody took the id_token out.
            (None, Some(token)) if !self.attempt.flow().promises_id_token() => {
                if self.attempt.fresh_since().is_some() {
                    return Err(SignInError::NotFresh);
                }
                let sub = access_token::subject(judge, token.expose())?;
                let subject = sub.parse().map_err(|_| SignInError::Subject)?;
                if self.connection.profile().subject != SubjectClaim::Sub {
                    return Err(SignInError::NoProof);
                }
                if self.connection.mfa().is_some() {
                    return Err(SignInError::Mfa);
                }
                Ok(Proved {
                    connection: self.connection,
                    sub,
                    subject,
                    claims: Members::default(),
                    auth_time: None,
                    bare: true,
                })
            }
            (None, _) => Err(SignInError::NoProof),
        }
    }

    fn id_token(
        &self,
        judge: Judge<'a>,
        token: &str,
        access_token: Option<&str>,
    ) -> Result<Proved<'a>, SignInError> {
        let unverified = jws::parse_id_token(token.as_bytes()).map_err(outside)?;
        judge.algorithm(&unverified)?;
        let malformed = |_| SignInError::Malformed;
        let claims: Claims = unverified.unverified_claims().map_err(malformed)?;
        let members: Members = unverified.unverified_claims().map_err(malformed)?;
        if !is_id_token(&claims) {
            return Err(SignInError::Kind);
        }
        judge.issuer(&claims)?;
        let own = self.connection.client_id();
        let party = match &claims.azp {
            Some(azp) => azp == own,
            None => claims.aud.len() == 1,
        };
        if !claims.aud.has(own) || !party {
            return Err(SignInError::Audience);
        }
        let same = |nonce: &String| digest::eq(nonce.as_bytes(), self.attempt.nonce().as_bytes());
        if !claims.nonce.as_ref().is_some_and(same) {
            return Err(SignInError::Nonce);
        }
        judge.times(&claims)?;
        self.fresh(claims.auth_time)?;
        self.belongs(&claims, unverified.alg(), access_token)?;
        self.hosted_domain(&members)?;
        if let Some(mfa) = self.connection.mfa() {
            mfa.check(&members)?;
        }
        let subject = subject(self.connection.profile().subject, &claims);
        let subject = subject.ok_or(SignInError::Subject)?;
        judge.signature(unverified)?;
        let auth_time = claims.auth_time.filter(|at| *at <= self.now.secs());
        Ok(Proved {
            connection: self.connection,
            sub: claims.sub.unwrap_or_default(),
            subject,
            claims: members,
            auth_time: auth_time.map(Time::from_secs),
            bare: false,
        })
    }

    /// `auth_time`, where a fresh sign-in was asked for: what the browser was sent with can be taken out on
    /// the way. Some providers never say.
    fn fresh(&self, auth_time: Option<i64>) -> Result<(), SignInError> {
        let Some(since) = self.attempt.fresh_since() else {
            return Ok(());
        };
        let tolerance = self.connection.clock_tolerance().as_secs();
        let tolerance = i64::try_from(tolerance).unwrap_or(0);
        match auth_time {
            Some(at) if at.saturating_add(tolerance) >= since.secs() => Ok(()),
            None if !self.connection.profile().says_auth_time => Ok(()),
            _ => Err(SignInError::NotFresh),
        }
    }

    /// `at_hash`: has to be there where both tokens went through the browser (OIDC Core §3.2.2.9), and
    /// to be right wherever it is.
    fn belongs(
        &self,
        claims: &Claims,
        alg: Alg,
        access_token: Option<&str>,
    ) -> Result<(), SignInError> {
        let through_browser = matches!(self.attempt.flow(), Flow::Implicit(_));
        match (access_token, &claims.at_hash) {
            (Some(_), None) if through_browser => Err(SignInError::AccessToken),
            (None, _) | (Some(_), None) => Ok(()),
            (Some(token), Some(hash)) => {
                let expected = URL_SAFE_NO_PAD.encode(alg.left_half(token.as_bytes()));
                if digest::eq(expected.as_bytes(), hash.as_bytes()) {
                    Ok(())
                } else {
                    Err(SignInError::AccessToken)
                }
            }
        }
    }

    /// Google: the parameter is a hint, the claim is the fact.
    fn hosted_domain(&self, claims: &Members) -> Result<(), SignInError> {
        let allowed = self.connection.hosted_domains();
        let domain = claims.text("hd");
        let fits = |domain: &str| allowed.iter().any(|held| domain.eq_ignore_ascii_case(held));
        if allowed.is_empty() || domain.is_some_and(fits) {
            Ok(())
        } else {
            Err(SignInError::HostedDomain)
        }
    }
}

impl Proved<'_> {
    /// Whether userinfo has to be asked, with the access token, before there is an identity.
    pub const fn wants_user_info(&self) -> bool {
        self.bare || self.connection.fetch_user_info()
    }

    /// Who it is. Each fact is taken whole from one of the two, the token first: an address of one and
    /// `email_verified` of the other would be nobody's word.
    pub fn identity(self, user_info: Option<&UserInfo>) -> Result<Identity, SignInError> {
        match user_info {
            Some(info) if info.sub() != self.sub => return Err(SignInError::UserInfo),
            None if self.wants_user_info() => return Err(SignInError::NoUserInfo),
            _ => {}
        }
        let sources = [Some(&self.claims), user_info.map(|info| &info.0)];
        let sources: Vec<&Members> = sources.into_iter().flatten().collect();
        let (email, email_verified) = email(self.connection, &sources);
        let names = self.connection.claims();
        let name = sources.iter().find_map(|from| from.text(&names.name));
        let groups = groups(self.connection, &sources, self.bare);
        let groups = of_tenant(self.connection, &self.subject, groups);
        Ok(Identity {
            connection: self.connection.name().clone(),
            issuer: self.connection.discovery().issuer().to_owned(),
            subject: self.subject,
            email,
            email_verified,
            name: name.and_then(shown),
            groups,
            amr: self
                .claims
                .texts("amr")
                .unwrap_or_default()
                .into_iter()
                .filter_map(shown)
                .collect(),
            acr: self.claims.text("acr").and_then(shown),
            auth_time: self.auth_time,
            sid: self.claims.text("sid").and_then(shown),
        })
    }
}

impl Mfa {
    /// Whether `amr` or `acr` proves it.
    fn check(&self, claims: &Members) -> Result<(), SignInError> {
        let holds = |list: &[String], text: &str| list.iter().any(|held| held == text);
        let amr = claims.texts("amr").unwrap_or_default();
        let acr = claims.text("acr");
        if amr.iter().any(|method| holds(&self.amr, method))
            || acr.is_some_and(|acr| holds(&self.acr_values, acr))
        {
            Ok(())
        } else {
            Err(SignInError::Mfa)
        }
    }
}

/// Nothing that says it is something else.
fn is_id_token(claims: &Claims) -> bool {
    let named = |typ: &String| ["ID", "JWT"].iter().any(|id| typ.eq_ignore_ascii_case(id));
    claims.events.is_none()
        && claims.token_use.as_ref().is_none_or(|usage| usage == "id")
        && claims.typ.as_ref().is_none_or(named)
}

/// What names somebody for good. `sub` is never missing, whatever else does.
fn subject(claim: SubjectClaim, claims: &Claims) -> Option<IdentitySubject> {
    let sub = claims.sub.as_ref()?;
    let text = match claim {
        SubjectClaim::Sub => sub.clone(),
        SubjectClaim::TidOid => {
            format!("{}/{}", claims.tid.as_ref()?, claims.oid.as_ref()?)
        }
        SubjectClaim::Id => return None,
    };
    text.parse().ok()
}

/// The address, and whether the provider vouches for it. `email_verified` is about `email` alone: an
/// address out of another claim (`upn`, `preferred_username`) is a login name that looks like one.
fn email(connection: &Connection, sources: &[&Members]) -> (Option<Email>, bool) {
    let claim = &connection.claims().email;
    let found = sources
        .iter()
        .find_map(|from| Some((from, from.text(claim)?)));
    let Some((from, text)) = found else {
        return (None, false);
    };
    let Ok(email) = text.parse::<Email>() else {
        return (None, false);
    };
    let is_text = |name: &str, value: &str| from.text(name) == Some(value);
    let vouched = match connection.profile().email_verified {
        EmailVerified::Literal => from.is_true("email_verified"),
        EmailVerified::LiteralOrText => {
            from.is_true("email_verified") || is_text("email_verified", "true")
        }
        EmailVerified::DomainOwner => {
            let one = from.get("xms_edov").and_then(Value::as_u64) == Some(1);
            let text = is_text("xms_edov", "1") || is_text("xms_edov", "true");
            from.is_true("xms_edov") || one || text
        }
    };
    (Some(email), vouched && claim == "email")
}

/// A claim, or that it would be too long: then Entra says where to ask, and is not believed where. A claim that is
/// absent says nothing, unless the connection says that it then says "none" and there is a token to have it.
fn groups(connection: &Connection, sources: &[&Members], bare: bool) -> Groups {
    let claim = &connection.claims().groups;
    if let Some(found) = sources.iter().find_map(|from| from.get(claim)) {
        return Groups::of_claim(found);
    }
    let elsewhere = |from: &&Members| {
        let named = from.get("_claim_names").and_then(Value::as_object);
        named.is_some_and(|names| names.contains_key(claim))
            || from.is_true("hasgroups")
            || from.text("hasgroups") == Some("true")
    };
    if sources.iter().any(elsewhere) {
        return Groups::AskGraph;
    }
    match connection.teams() {
        Some(teams) if teams.absent_means_none() && !bare => Groups::Listed(GroupList::default()),
        _ => Groups::Unknown,
    }
}

/// Whoever looks after a tenant says what its claims say: where the issuer is of more than one, a text is a group of
/// its tenant alone, whatever it looks like.
fn of_tenant(connection: &Connection, subject: &IdentitySubject, groups: Groups) -> Groups {
    let tenants = connection.profile().subject == SubjectClaim::TidOid;
    let tenant = subject.as_str().split_once('/').filter(|_| tenants);
    let own = connection.discovery().path().next();
    let several = |tenant: &str| own.is_none_or(|own| !own.eq_ignore_ascii_case(tenant));
    match (groups, tenant) {
        (Groups::Listed(list), Some((tenant, _))) if several(tenant) => {
            let several = connection.discovery().is_of_every_tenant();
            Groups::Listed(list.of_tenant(tenant, several))
        }
        (groups, _) => groups,
    }
}

#[cfg(test)]
mod tests;
