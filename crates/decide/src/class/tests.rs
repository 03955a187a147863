use aeolus_model::PathPattern;
use proptest::prelude::*;

use super::*;

fn set(profile: Profile, rules: &[(&str, Requirement)]) -> RuleSet {
    let rule = |(path, require): &(&str, Requirement)| PathRule {
        path: PathPattern::parse(path).unwrap(),
        methods: vec![],
        require: *require,
    };
    RuleSet {
        profile,
        rules: rules.iter().map(rule).collect(),
        task_execution: vec!["10.0.0.0/8".parse().unwrap()],
        networks: Vec::new(),
    }
}

fn class(set: &RuleSet, method: Method, path: &str) -> PathClass {
    let target = Target::parse(path.as_bytes()).unwrap();
    let peer = Some("192.0.2.1".parse().unwrap());
    set.classify(&target, "", method, peer).class
}

#[test]
fn airflow3_is_private_but_for_a_handful_of_paths() {
    use PathClass::{PrivateRead, PrivateWrite, Public, Refuse, SignIn, SignOut};
    let set = set(Profile::Airflow3, &[]);
    for (path, get, post) in [
        ("/", PrivateRead, PrivateWrite),
        ("/static/app.js", Public, PrivateWrite),
        ("/staticx", PrivateRead, PrivateWrite),
        ("/STATIC/app.js", PrivateRead, PrivateWrite),
        ("/static%2Fapp.js", PrivateRead, PrivateWrite),
        ("//static/app.js", PrivateRead, PrivateWrite),
        ("/static//app.js", PrivateRead, PrivateWrite),
        ("/static;x/app.js", PrivateRead, PrivateWrite),
        ("/static/%252e%252e/dags", PrivateRead, PrivateWrite),
        ("/api/v2/version", Public, PrivateWrite),
        ("/api/v2/version/", PrivateRead, PrivateWrite),
        ("/api/v2/version;x", PrivateRead, PrivateWrite),
        ("/api/v2/monitor/health", Public, PrivateWrite),
        ("/api/v2/dags", PrivateRead, PrivateWrite),
        ("/api%2Fv2%2Fdags", PrivateRead, PrivateWrite),
        ("/api/v2/auth/login", SignIn, PrivateWrite),
        ("/api/v2/auth/logout", SignOut, PrivateWrite),
        ("/docs", PrivateRead, PrivateWrite),
        ("/openapi.json", PrivateRead, PrivateWrite),
        ("/whatever", PrivateRead, PrivateWrite),
        ("/execution/variables/x", Refuse, Refuse),
        ("/execution", Refuse, Refuse),
        ("/execution%2Fhealth", Refuse, Refuse),
        ("/%65xecution/health", Refuse, Refuse),
        ("//execution/health", Refuse, Refuse),
        ("/edge_worker/v1/jobs", Refuse, Refuse),
        ("/.aeolus/session", Refuse, Refuse),
        ("/%2eaeolus/session", Refuse, Refuse),
    ] {
        assert_eq!(class(&set, Method::Get, path), get, "GET {path}");
        assert_eq!(class(&set, Method::Head, path), get, "HEAD {path}");
        assert_eq!(class(&set, Method::Post, path), post, "POST {path}");
    }
}

#[test]
fn airflow2_and_custom_have_their_own_tables() {
    let two = set(Profile::Airflow2, &[]);
    assert_eq!(class(&two, Method::Get, "/health"), PathClass::Public);
    assert_eq!(class(&two, Method::Get, "/login/"), PathClass::SignIn);
    assert_eq!(class(&two, Method::Get, "/home"), PathClass::PrivateRead);
    let custom = set(Profile::Custom, &[]);
    assert_eq!(
        class(&custom, Method::Get, "/health"),
        PathClass::PrivateRead
    );
    assert_eq!(
        class(&custom, Method::Get, "/static/x"),
        PathClass::PrivateRead
    );
}

#[test]
fn task_tokens_pass_only_from_where_the_deployment_says_and_on_both_readings() {
    let set = set(Profile::Airflow3, &[]);
    let from = |path: &str, peer: &str| {
        let target = Target::parse(path.as_bytes()).unwrap();
        set.classify(&target, "", Method::Post, Some(peer.parse().unwrap()))
            .class
    };
    assert_eq!(from("/execution/x", "10.1.2.3"), PathClass::PassThrough);
    assert_eq!(from("/execution/x", "192.0.2.1"), PathClass::Refuse);
    assert_eq!(from("/execution%2Fx", "10.1.2.3"), PathClass::PrivateWrite);
    let target = Target::parse(b"/execution/x").unwrap();
    assert_eq!(
        set.classify(&target, "", Method::Get, None).class,
        PathClass::Refuse
    );
}

#[test]
fn rules_come_before_the_profile_but_open_nothing_it_refuses() {
    let set = set(
        Profile::Airflow3,
        &[
            ("/plugin/open/**", Requirement::Public),
            (
                "/plugin/**",
                Requirement::Permission(Permission::DeploymentAirflowOp),
            ),
            ("/execution/**", Requirement::Public),
            ("/.aeolus/**", Requirement::Public),
        ],
    );
    assert_eq!(
        class(&set, Method::Get, "/plugin/open/x"),
        PathClass::Public
    );
    assert_eq!(class(&set, Method::Get, "/execution/x"), PathClass::Refuse);
    assert_eq!(class(&set, Method::Get, "/.aeolus/x"), PathClass::Refuse);
    let target = Target::parse(b"/plugin%2Fx").unwrap();
    let both = set.classify(&target, "", Method::Get, None);
    assert!(both.needs.contains(Permission::DeploymentAirflowOp));
    assert!(both.needs.contains(Permission::DeploymentAirflowGet));
}

#[test]
fn below_a_prefix_the_profile_reads_the_rest() {
    let set = set(Profile::Airflow3, &[]);
    let at = |path: &str| {
        let target = Target::parse(path.as_bytes()).unwrap();
        set.classify(&target, "/etl", Method::Get, None).class
    };
    assert_eq!(at("/etl/static/x"), PathClass::Public);
    assert_eq!(at("/etl/execution/x"), PathClass::Refuse);
    assert_eq!(at("/etl"), PathClass::PrivateRead);
    assert_eq!(at("/static/x"), PathClass::Refuse);
}

fn any_path() -> impl Strategy<Value = String> {
    "(/|%2[fF]|%25|//|;|static|api|v2|version|execution|plugin|open|x|%73tatic){1,10}"
        .prop_map(|tail| format!("/{tail}"))
}

proptest! {
    #[test]
    fn open_only_if_each_reading_alone_is_open(path in any_path()) {
        let set = set(Profile::Airflow3, &[("/plugin/open/**", Requirement::Public)]);
        let target = Target::parse(path.as_bytes()).unwrap();
        let verdict = set.classify(&target, "", Method::Get, None).class;
        let raw = set.classify_path(target.raw, Method::Get, None).class;
        let decoded = set.classify_path(&target.decoded, Method::Get, None).class;
        let open = |class| class <= PathClass::Public;
        prop_assert_eq!(open(verdict), open(raw) && open(decoded) && !target.tainted);
        prop_assert!(verdict >= raw && verdict >= decoded);
    }
}
