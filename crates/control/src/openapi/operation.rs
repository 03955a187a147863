//! One operation of the API, as the table says it.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::content::{Content, Parameter, SchemaOf, Speaks, fields, refusal, refusal_to};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Everybody.
    Anybody,
    /// Whoever has a bearer credential.
    Bearer,
    /// A gate, by its plane's assertion.
    Plane,
    /// A provisioning client, by a credential of its connection.
    Provisioner,
}

/// One operation.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    id: &'static str,
    what: &'static str,
    pub(super) who: Who,
    speaks: Speaks,
    reads: bool,
    pub(super) query: Vec<Parameter>,
    body: Option<(Content, bool)>,
    answer: (u16, Option<Content>),
    also: Vec<(u16, Content)>,
    silent: Option<u16>,
    conditional: bool,
    cached: bool,
    refusals: Vec<u16>,
    otherwise: Vec<(u16, Content)>,
}

impl Operation {
    pub(super) const fn new(
        (method, path): (&'static str, &'static str),
        id: &'static str,
        what: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            id,
            what,
            who: Who::Bearer,
            speaks: Speaks::Problems,
            reads: false,
            query: Vec::new(),
            body: None,
            answer: (200, None),
            also: Vec::new(),
            silent: None,
            conditional: false,
            cached: false,
            refusals: Vec::new(),
            otherwise: Vec::new(),
        }
    }

    pub(super) const fn by(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    pub(super) const fn speaks(mut self, speaks: Speaks) -> Self {
        self.speaks = speaks;
        self
    }

    /// It changes nothing, whatever its method.
    pub(super) const fn only_reads(mut self) -> Self {
        self.reads = true;
        self
    }

    pub(super) fn query(mut self, parameters: &[Parameter]) -> Self {
        self.query.extend_from_slice(parameters);
        self
    }

    pub(super) fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some((Content::json::<T>(), true));
        self
    }

    /// The body may be left out.
    pub(super) fn may_take<T: JsonSchema>(mut self) -> Self {
        self.body = Some((Content::json::<T>(), false));
        self
    }

    pub(super) const fn takes_other(mut self, media: &'static str) -> Self {
        self.body = Some((Content::Other(media), true));
        self
    }

    pub(super) const fn takes_form(mut self, schema: SchemaOf) -> Self {
        self.body = Some((Content::Form(schema), true));
        self
    }

    /// Another answer that is no refusal.
    pub(super) fn or_answers(mut self, status: u16, media: &'static str) -> Self {
        self.also.push((status, Content::Other(media)));
        self
    }

    /// It may answer with nothing.
    pub(super) const fn also_nothing(mut self) -> Self {
        self.silent = Some(204);
        self
    }

    pub(super) fn answers<T: JsonSchema>(mut self, status: u16) -> Self {
        self.answer = (status, Some(Content::json::<T>()));
        self
    }

    pub(super) const fn answers_other(mut self, status: u16, media: Option<&'static str>) -> Self {
        self.answer = match media {
            Some(media) => (status, Some(Content::Other(media))),
            None => (status, None),
        };
        self
    }

    /// It has an `ETag`, or honours `If-Match`.
    pub(super) const fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    /// Askers may keep it, and ask with `If-None-Match` whether it is still so.
    pub(super) const fn cached(mut self) -> Self {
        self.cached = true;
        self
    }

    /// Refusals beside those that follow from the rest.
    pub(super) fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend_from_slice(statuses);
        self
    }

    /// A refusal in a form of its own.
    pub(super) fn refuses_in(mut self, status: u16, content: Content) -> Self {
        self.refusals.push(status);
        self.otherwise.push((status, content));
        self
    }

    /// Whether it is a POST that is done once under its `Idempotency-Key`.
    fn is_once(&self) -> bool {
        self.method == "post" && self.who == Who::Bearer && !self.reads
    }

    /// Every status beside success.
    fn statuses(&self) -> Vec<u16> {
        let changes = self.method != "get" && !self.reads;
        let known = self.who != Who::Anybody;
        let has_path = self.path.contains('{');
        let mut all = vec![500, 503];
        match self.speaks {
            Speaks::Problems => {}
            Speaks::OAuth => all.extend([400, 401, 413]),
            Speaks::Scim => {
                all.extend([400, 401, 403, 404, 429]);
                let writes = self.body.iter().flat_map(|_| [409, 413, 415]);
                all.extend(writes.chain(self.conditional.then_some(412)));
            }
            Speaks::Pages => {
                all.push(400);
                all.extend(self.body.iter().flat_map(|_| [413, 415]));
            }
        }
        if self.speaks != Speaks::Problems {
            all.extend_from_slice(&self.refusals);
            return all;
        }
        let mut add = |when: bool, statuses: &[u16]| {
            if when {
                all.extend_from_slice(statuses);
            }
        };
        // 400: the path is no UTF-8 when it is decoded.
        add(has_path, &[400, 404]);
        // A parameter that it doesn't have.
        add(self.who == Who::Bearer, &[400]);
        add(known, &[401, 403]);
        // An organization's quota, wherever one may be named.
        add(
            self.who == Who::Bearer && (has_path || !self.query.is_empty()),
            &[429],
        );
        add(!self.query.is_empty() || self.is_once(), &[422]);
        add(self.body.is_some(), &[400, 413, 415, 422]);
        add(changes && known, &[409]);
        add(changes && self.conditional, &[412]);
        all.extend_from_slice(&self.refusals);
        all.sort_unstable();
        all.dedup();
        all
    }

    fn parameters(&self) -> Vec<Value> {
        let parts = self.path.split('{').skip(1);
        let names = parts.filter_map(|part| part.split('}').next());
        let in_path = names.map(|name| {
            let what = match name {
                "o" => "An organization, by id or name.",
                "name" => "The rollout's name.",
                "organization" => "The organization, by id.",
                "n" => "Which of its lists, from 0.",
                "sha256" => "The SHA-256 of the section in lower-case hex.",
                "connection" => "The connection's name.",
                _ if self.path.starts_with("/v1/scim/v2/{connection}/Schemas") => "Its URN.",
                _ if self.path.starts_with("/v1/scim/v2/{connection}/Res") => "Its name.",
                _ if self.path.starts_with("/v1/keys") => {
                    "The key's id (kid); for a rotation the purpose."
                }
                _ if self.path.starts_with("/v1/planes/{") => "The plane, by id or name.",
                _ => "Its id.",
            };
            json!({"name": name, "in": "path", "required": true, "description": what,
                "schema": {"type": "string", "minLength": 1}})
        });
        let mut all: Vec<Value> = in_path.collect();
        all.extend(self.query.iter().map(Parameter::render));
        let header = |name: &str, what: &str, schema: Value| json!({"name": name, "in": "header", "description": what, "schema": schema});
        if self.is_once() {
            let what = "Names this request: sent again under the same key, it is done once and answered \
                        the same.";
            let schema =
                json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"});
            all.push(header("Idempotency-Key", what, schema));
        }
        if self.cached {
            let what = "The `ETag` of what you have: answered with 304 if it is still so.";
            all.push(header("If-None-Match", what, json!({"type": "string"})));
        }
        if self.conditional && self.method != "get" {
            let what =
                "The `ETag` of what you have read: refused with 412 if it has changed since.";
            all.push(header("If-Match", what, json!({"type": "string"})));
        }
        all
    }

    /// As OpenAPI has it.
    pub(super) fn render(&self, generator: &mut SchemaGenerator) -> Value {
        let mut answers = Map::new();
        let (status, content) = self.answer;
        let mut success = fields(json!({"description": "Done."}));
        if let Some(content) = content {
            success.insert("content".to_owned(), content.render(generator));
        }
        if self.is_once() {
            let replayed = json!({
                "description": "`true` where the request was answered before.",
                "schema": {"type": "string"},
            });
            let headers = json!({ "Idempotency-Replayed": replayed });
            success.insert("headers".to_owned(), headers);
        }
        if self.conditional && self.method == "get" {
            let tag =
                json!({"description": "For `If-Match` of a change.", "schema": {"type": "string"}});
            success.insert("headers".to_owned(), json!({ "ETag": tag }));
        }
        if self.cached {
            let tag = json!({"description": "For `If-None-Match`.", "schema": {"type": "string"}});
            let headers = json!({ "ETag": tag });
            success.insert("headers".to_owned(), headers.clone());
            let same = json!({"description": "Not modified.", "headers": headers});
            answers.insert("304".to_owned(), same);
        }
        answers.insert(status.to_string(), Value::Object(success));
        for (status, content) in &self.also {
            let content = content.render(generator);
            let answer = json!({"description": "Done.", "content": content});
            answers.insert(status.to_string(), answer);
        }
        if let Some(status) = self.silent {
            let done = json!({"description": "Done; there is nothing to show."});
            answers.insert(status.to_string(), done);
        }
        for status in self.statuses() {
            let own = self.otherwise.iter().filter(|(of, _)| *of == status);
            let own: Vec<Content> = own.map(|(_, content)| *content).collect();
            let answer = if own.is_empty() {
                refusal_to(self.speaks, status, generator)
            } else {
                refusal(status, &own, generator)
            };
            answers.insert(status.to_string(), answer);
        }
        let mut operation = fields(json!({
            "operationId": self.id,
            "summary": self.what,
            "tags": [self.tag()],
            "security": match self.who {
                Who::Anybody => json!([]),
                Who::Bearer => json!([{"bearer": []}]),
                Who::Plane => json!([{"plane": []}]),
                Who::Provisioner => json!([{"scim": []}, {"scimBasic": []}]),
            },
            "parameters": self.parameters(),
            "responses": answers,
        }));
        if let Some((content, required)) = self.body {
            let content = content.render(generator);
            let body = json!({"required": required, "content": content});
            operation.insert("requestBody".to_owned(), body);
        }
        Value::Object(operation)
    }

    fn tag(&self) -> &'static str {
        if !self.path.starts_with("/v1/") {
            return if self.path.ends_with('z') {
                "public"
            } else {
                "oauth"
            };
        }
        let rest = self.path.strip_prefix("/v1/organizations/{o}/");
        let rest = rest.or_else(|| self.path.strip_prefix("/v1/"));
        let word = rest.unwrap_or("").split(['/', ':', '?']).next();
        match word.unwrap_or("") {
            "" | "{o}" => "organizations",
            ".well-known" | "openapi.json" | "healthz" | "oauth" | "authorization" => "public",
            word => word,
        }
    }
}
