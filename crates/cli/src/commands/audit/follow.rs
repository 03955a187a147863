//! Finding the newest lines.

use aeolus_api::audit::AuditLine;
use aeolus_api::client::{AuditQuery, Client};

use super::PAGE;
use crate::control_client::refused;
use crate::report::Failure;

/// The newest lines, oldest first, and after which line to go on.
pub(super) struct Newest {
    pub(super) lines: Vec<AuditLine>,
    pub(super) after: String,
}

/// Looks for lines from the newest on. Control looks at a bounded number for each answer, so where few
/// fit there are several.
pub(super) async fn newest(
    client: &Client,
    query: &AuditQuery,
    count: u32,
) -> Result<Newest, Failure> {
    let after = last(client, query).await?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut query = query.clone();
    query.parameters.push(("order", "newest".to_owned()));
    query.parameters.push(("limit", PAGE.to_string()));
    let mut lines = Vec::new();
    let mut cursor = None;
    loop {
        let page = client.audit(&query, cursor.as_deref()).await;
        let page = page.map_err(refused)?;
        let older_than_asked = page.next_cursor.is_none();
        lines.extend(page.items);
        if older_than_asked || lines.len() >= count {
            lines.truncate(count);
            lines.reverse();
            return Ok(Newest { lines, after });
        }
        cursor = page.next_cursor;
    }
}

/// The log's very last line, whatever is asked for: what comes later is new.
async fn last(client: &Client, query: &AuditQuery) -> Result<String, Failure> {
    let any = AuditQuery {
        organization: query.organization.clone(),
        parameters: vec![("order", "newest".to_owned()), ("limit", "1".to_owned())],
    };
    let page = client.audit(&any, None).await.map_err(refused)?;
    let last = page.items.into_iter().next();
    Ok(last.map_or_else(|| "0.0".to_owned(), |line| line.cursor))
}
