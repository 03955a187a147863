//! A connection manager and its routes.

use serde_json::Value;

use crate::finding::{Guard, Rule};
use crate::guards::is_id;
use crate::yaml::{at, entries, items, says, text, texts};

pub(super) struct Manager<'a> {
    pub(super) config: &'a Value,
    /// The filter that asks the gate.
    pub(super) filter: Option<&'a Value>,
}

impl<'a> Manager<'a> {
    pub(super) fn new(config: &'a Value) -> Self {
        let filter = items(config, "http_filters").iter().find_map(|filter| {
            let config = at(filter, "typed_config");
            let asks = text(config, "@type").ends_with(".ExtAuthz");
            (asks && !says(filter, "disabled", true)).then_some(config)
        });
        Self { config, filter }
    }

    pub(super) fn routes(&self) -> impl Iterator<Item = Route<'a>> {
        let table = at(self.config, "route_config");
        items(table, "virtual_hosts").iter().flat_map(move |host| {
            items(host, "routes").iter().map(move |route| Route {
                levels: [route, host, table],
            })
        })
    }

    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-ENVOY-10",
                "the client's X-Forwarded-For is believed",
                "A client can name an address of its choice, and paths that are for the plane's own network only open to it.",
                "use_remote_address: true",
            ),
            |at| says(at.config, "use_remote_address", true),
        ),
        Rule::new(
            Guard::error(
                "DOC-ENVOY-11",
                "an upgrade other than a websocket is let through",
                "One allowed request opens a tunnel, and what is sent through it is never checked.",
                "upgrade_configs: [{upgrade_type: websocket}]",
            ),
            |at| {
                let mut upgrades = items(at.config, "upgrade_configs").iter();
                upgrades.all(|one| text(one, "upgrade_type").eq_ignore_ascii_case("websocket"))
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-ENVOY-12",
                "paths are passed on as they came",
                "The gate refuses dots and double slashes, and only the gate does.",
                "normalize_path: true and merge_slashes: true",
            ),
            |at| says(at.config, "normalize_path", true) && says(at.config, "merge_slashes", true),
        ),
        Rule::new(
            Guard::warning(
                "DOC-ENVOY-13",
                "what becomes of encoded slashes is left to Envoy's default",
                "The gate and Airflow may see different paths; KEEP_UNCHANGED is right, because Airflow has names with slashes.",
                "path_with_escaped_slashes_action: KEEP_UNCHANGED",
            ),
            |at| {
                let action = text(at.config, "path_with_escaped_slashes_action");
                matches!(
                    action,
                    "KEEP_UNCHANGED" | "REJECT_REQUEST" | "UNESCAPE_AND_REDIRECT"
                )
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-ENVOY-14",
                "header names with underscores are let through",
                "Python reads X_Aeolus_User like X-Aeolus-User, so a client's word stands beside the gate's.",
                "common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}",
            ),
            |at| {
                let action = text(
                    at.config,
                    "common_http_protocol_options.headers_with_underscores_action",
                );
                matches!(action, "REJECT_REQUEST" | "DROP_HEADER")
            },
        ),
    ];
}

/// A route; what it does not say, its virtual host or its table may say.
pub(super) struct Route<'a> {
    levels: [&'a Value; 3],
}

impl<'a> Route<'a> {
    /// The nearest settings for the filter.
    fn settings(&self) -> impl Iterator<Item = &'a Value> {
        let levels = self.levels.into_iter();
        let all = levels.flat_map(|level| entries(level, "typed_per_filter_config"));
        all.map(|(_, settings)| settings)
            .filter(|settings| text(settings, "@type").ends_with(".ExtAuthzPerRoute"))
    }

    /// Whether it passes on what the gate is not asked about.
    pub(super) fn is_open(&self) -> bool {
        self.settings()
            .next()
            .is_some_and(|settings| says(settings, "disabled", true))
    }

    pub(super) fn cluster(&self) -> Option<&'a str> {
        let [route, ..] = self.levels;
        at(route, "route.cluster").as_str()
    }

    pub(super) fn name(&self) -> String {
        let [route, host, _] = self.levels;
        let matched = entries(route, "match").find_map(|(_, value)| value.as_str());
        format!("{} of {}", matched.unwrap_or("?"), text(host, "name"))
    }

    fn removes_cookie(&self) -> bool {
        let levels = self.levels.iter();
        let mut removed = levels.flat_map(|level| texts(level, "request_headers_to_remove"));
        removed.any(|name| name.eq_ignore_ascii_case("cookie"))
    }
}

/// A route that the gate is asked about.
pub(super) struct Routed<'a> {
    pub(super) route: &'a Route<'a>,
    pub(super) grpc: bool,
}

impl<'a> Routed<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-ENVOY-15",
                "the check does not name the deployment",
                "Only the host decides which deployment a request is for, and a client writes the host.",
                "check_settings: {context_extensions: {deployment: ID}} for ext_authz on the route",
            ),
            |at| {
                let named = at
                    .route
                    .settings()
                    .map(|settings| text(settings, "check_settings.context_extensions.deployment"));
                !at.grpc || named.into_iter().any(is_id)
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-ENVOY-16",
                "the gate's cookie reaches Airflow",
                "Whoever controls Airflow's code can use the sessions of those who visit it.",
                "request_headers_to_remove: [cookie]",
            ),
            |at| at.route.removes_cookie(),
        ),
    ];
}
