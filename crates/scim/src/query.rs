//! What is asked of a list: the parameters of a GET, or the body of `/.search` (RFC 7644 §§3.4.2 and 3.4.3).

use serde_json::Value;

use crate::error::{Error, Reason};
use crate::filter::Filter;
use crate::json::Fields;
use crate::limits::Limits;
use crate::page::{Page, PageRequest};
use crate::projection::Projection;
use crate::schema::{ResourceType, uri};
use crate::sort::Sort;

/// A query as it was sent: the same whichever way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
    cursor: Option<String>,
    attributes: Option<String>,
    excluded: Option<String>,
}

/// A query as one resource type answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Which resources.
    pub filter: Option<Filter>,
    /// In which order.
    pub sort: Option<Sort>,
    /// Which attributes of them.
    pub projection: Projection,
}

impl Query {
    /// Reads the part of a URL behind the question mark. Unknown parameters mean nothing (`aadOptscim062020`), and `+` is
    /// a space.
    pub fn from_url(text: &str) -> Result<Self, Error> {
        let mut query = Self::default();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name)?;
            if let Some(field) = query.field(&name) {
                if field.is_some() {
                    return Err(Error::new(
                        Reason::InvalidValue,
                        format!("\"{name}\" is there twice."),
                    ));
                }
                *field = Some(decoded(value)?);
            }
        }
        Ok(query)
    }

    /// Reads the body of a search.
    pub fn from_body(body: Value) -> Result<Self, Error> {
        let mut body = Fields::of(body, "A search")?;
        body.message(uri::SEARCH_REQUEST)?;
        let mut query = Self::default();
        for name in Self::NAMES {
            let value = match body.take(name) {
                None => continue,
                Some(Value::String(text)) => text,
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Array(names)) => {
                    let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
                    names.ok_or_else(|| wrong(name))?.join(",")
                }
                Some(_) => return Err(wrong(name)),
            };
            if let Some(field) = query.field(name) {
                *field = Some(value);
            }
        }
        Ok(query)
    }

    /// The query as this resource type answers it.
    pub fn on(&self, kind: &'static ResourceType, limits: &Limits) -> Result<Search, Error> {
        let filter = self.filter.as_deref();
        Ok(Search {
            filter: filter
                .map(|filter| Filter::parse(kind, filter, limits))
                .transpose()?,
            sort: Sort::parse(kind, self.sort_by.as_deref(), self.sort_order.as_deref())?,
            projection: self.projection(kind, limits)?,
        })
    }

    /// The query as several resource types answer it. One that doesn't have an attribute that is filtered or sorted by has
    /// nothing to say; where none has it, that is an error.
    pub fn on_all(
        &self,
        kinds: &[&'static ResourceType],
        limits: &Limits,
    ) -> Result<Vec<(&'static ResourceType, Search)>, Error> {
        let mut refusal = None;
        let mut answers = Vec::new();
        for kind in kinds {
            match self.on(kind, limits) {
                Ok(search) => answers.push((*kind, search)),
                Err(error) => refusal = Some(error),
            }
        }
        match refusal {
            Some(error) if answers.is_empty() => Err(error),
            _ => Ok(answers),
        }
    }

    /// Which attributes are asked for: what a request for one resource says too.
    pub fn projection(
        &self,
        kind: &'static ResourceType,
        limits: &Limits,
    ) -> Result<Projection, Error> {
        let (attributes, excluded) = (self.attributes.as_deref(), self.excluded.as_deref());
        Projection::parse(kind, attributes, excluded, limits)
    }

    /// Which page is asked for.
    pub fn page(&self, limits: &Limits) -> Result<Page, Error> {
        let request = PageRequest {
            start_index: self.start_index.as_deref(),
            count: self.count.as_deref(),
            cursor: self.cursor.as_deref(),
        };
        Page::parse(request, limits)
    }

    /// What a cursor belongs to: a list of resources of one type and its order, whichever page.
    pub fn identity(&self, kind: &ResourceType) -> String {
        let parts = [&self.filter, &self.sort_by, &self.sort_order];
        let [filter, by, order] = parts.map(|part| part.as_deref().unwrap_or_default());
        [kind.name, filter, by, order].join("\n")
    }

    const NAMES: [&'static str; 8] = [
        "filter",
        "sortBy",
        "sortOrder",
        "startIndex",
        "count",
        "cursor",
        "attributes",
        "excludedAttributes",
    ];

    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        let fields = [
            &mut self.filter,
            &mut self.sort_by,
            &mut self.sort_order,
            &mut self.start_index,
            &mut self.count,
            &mut self.cursor,
            &mut self.attributes,
            &mut self.excluded,
        ];
        let named = Self::NAMES.iter().zip(fields);
        let mut found = named.filter(|(own, _)| own.eq_ignore_ascii_case(name));
        found.next().map(|(_, field)| field)
    }
}

fn wrong(name: &str) -> Error {
    Error::new(
        Reason::InvalidSyntax,
        format!("\"{name}\" is not of the right type."),
    )
}

/// A name or value of a URL's query.
fn decoded(text: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let pair = digit().zip(digit()).map(|(high, low)| high << 4 | low);
                let byte = pair.and_then(|pair| u8::try_from(pair).ok());
                byte.ok_or_else(not_decodable)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| not_decodable())
}

fn not_decodable() -> Error {
    Error::new(
        Reason::InvalidValue,
        "The URL's query is not percent-encoded UTF-8.",
    )
}
