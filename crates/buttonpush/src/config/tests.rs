use super::*;

const REAL: [(&str, &str); 3] = [
    ("KEAP_CLIENT_ID", "an-id"),
    ("KEAP_CLIENT_SECRET", "swordfish-canary"),
    ("KEAP_REDIRECT_URI", "https://push.example.com/admin/keap/callback"),
];

fn load(settings: &[(&str, &str)], file: Option<&str>) -> Result<Config, Trouble> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("buttonpush.toml");
    std::fs::write(&path, file.unwrap_or_default()).unwrap();
    let environment = settings.iter().map(|(name, value)| (name.into(), value.into())).collect();
    Config::load(Sources { environment, file: file.map(|_| path) })
}

fn with(extra: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    REAL.into_iter().chain(extra.iter().copied()).collect()
}

#[test]
fn nothing_given_is_the_sandbox_on_this_machine() {
    let config = load(&[("PATH", "/bin"), ("HOME", "")], None).unwrap();
    let Keap::Sandbox { listen, .. } = &config.keap else { panic!("{:?}", config.keap) };
    assert_eq!(listen.to_string(), "127.0.0.1:8100");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert!(config.database_file.ends_with("data/buttonpush.db") && config.data.is_absolute());
    assert_eq!(config.public_origin(config.listen).as_str(), "http://127.0.0.1:8080");
    assert_eq!(
        config.redirect_uri(config.listen).unwrap().as_str(),
        "http://127.0.0.1:8080/admin/keap/callback"
    );
}

#[test]
fn a_free_port_is_followed_everywhere() {
    let config = load(&[("BUTTONPUSH_LISTEN", "127.0.0.1:0")], None).unwrap();
    let Keap::Sandbox { listen, .. } = &config.keap else { panic!("{:?}", config.keap) };
    assert_eq!(listen.to_string(), "127.0.0.1:0");
    let bound = "127.0.0.1:43210".parse().unwrap();
    assert_eq!(config.public_origin(bound).as_str(), "http://127.0.0.1:43210");
    assert_eq!(config.redirect_uri(bound).unwrap().as_str(), "http://127.0.0.1:43210/admin/keap/callback");
}

#[test]
fn the_real_keap_has_its_defaults() {
    let config = load(&REAL, None).unwrap();
    let Keap::Application(application) = &config.keap else { panic!("{:?}", config.keap) };
    assert_eq!(application.authorize_url.as_str(), "https://signin.infusionsoft.com/app/oauth/authorize");
    assert_eq!(application.token_url.as_str(), "https://api.infusionsoft.com/token");
    assert_eq!(config.public_url.as_ref().unwrap().as_str(), "https://push.example.com");
    assert!(!format!("{config:?}").contains("swordfish"));
}

#[test]
fn settings_come_from_a_file_too() {
    let file = "buttonpush_listen = \"127.0.0.1:9000\"\nkeap_api_key = \"swordfish-canary\"\n";
    let config = load(&[("BUTTONPUSH_DATA", "/tmp/x")], Some(file)).unwrap();
    assert_eq!(config.listen.port(), 9000);
    assert_eq!(config.data, PathBuf::from("/tmp/x"));
    assert!(matches!(config.keap, Keap::ApiKey { .. }));
}

#[test]
fn a_secret_comes_from_a_private_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, "swordfish-canary\n").unwrap();
    let settings = [REAL[0], REAL[2], ("KEAP_CLIENT_SECRET_FILE", path.to_str().unwrap())];
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = load(&settings, None).unwrap_err().to_string();
    assert!(refused.contains("chmod 600") && !refused.contains("swordfish"), "{refused}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    load(&settings, None).unwrap();
    let both = load(&with(&[]).into_iter().chain([settings[2]]).collect::<Vec<_>>(), None).unwrap_err();
    assert!(both.to_string().contains("given twice"), "{both}");
}

fn webhook(url: &'static str, secret: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![("KEAPSAKE_ALARM_WEBHOOK_URL", url), ("KEAPSAKE_ALARM_WEBHOOK_SECRET", secret)]
}

fn with_key(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![("KEAP_API_KEY", "swordfish-canary"), (name, value)]
}

/// Settings, and the name that the refusal has to begin with.
#[test]
fn whatever_is_unknown_incomplete_or_unsafe_is_refused_by_name() {
    let cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
        (vec![("KEAP_CLIENTID", "swordfish-canary")], "KEAP_CLIENTID"),
        (vec![("KEAPSAKE_KEY", "swordfish-canary")], "KEAPSAKE_KEY"),
        (vec![("BUTTONPUSH_LISEN", "127.0.0.1:1")], "BUTTONPUSH_LISEN"),
        (vec![("SANDBOX_PORT", "1")], "SANDBOX_PORT"),
        (vec![("KEAP_CLIENT_ID", "an-id")], "KEAP_CLIENT_SECRET"),
        (vec![("KEAP_CLIENT_SECRET", "swordfish-canary")], "KEAP_CLIENT_ID"),
        (vec![("KEAP_CLIENT_ID", "")], "KEAP_CLIENT_ID"),
        (vec![("KEAP_CLIENT_ID", " an-id")], "KEAP_CLIENT_ID"),
        (vec![("KEAP_API_KEY", "swordfish-canary\n")], "KEAP_API_KEY"),
        (vec![("KEAP_API_KEY", "changeme")], "KEAP_API_KEY"),
        (vec![REAL[0], ("KEAP_CLIENT_SECRET", "your-client-secret"), REAL[2]], "KEAP_CLIENT_SECRET"),
        (with(&[("KEAP_API_KEY", "swordfish-canary")]), "KEAP_API_KEY"),
        (with(&[("SANDBOX_LISTEN", "127.0.0.1:1")]), "SANDBOX_LISTEN"),
        (vec![REAL[0], REAL[1]], "KEAP_REDIRECT_URI"),
        (
            vec![REAL[0], REAL[1], ("KEAP_REDIRECT_URI", "http://push.example.com/admin/keap/callback")],
            "KEAP_REDIRECT_URI",
        ),
        (
            vec![REAL[0], REAL[1], ("KEAP_REDIRECT_URI", "http://127.0.0.1:8080/admin/keap/callback")],
            "KEAP_REDIRECT_URI",
        ),
        (
            vec![REAL[0], REAL[1], ("KEAP_REDIRECT_URI", "https://push.example.com/callback")],
            "KEAP_REDIRECT_URI",
        ),
        (vec![REAL[0], REAL[1], ("KEAP_REDIRECT_URI", "push.example.com")], "KEAP_REDIRECT_URI"),
        (with(&[("BUTTONPUSH_PUBLIC_URL", "https://other.example.com")]), "KEAP_REDIRECT_URI"),
        (with(&[("KEAP_TOKEN_URL", "http://api.infusionsoft.com/token")]), "KEAP_TOKEN_URL"),
        (with(&[("KEAP_TOKEN_URL", "http://127.0.0.1:8100/token")]), "KEAP_AUTHORIZE_URL"),
        (with(&[("KEAP_API_URL", "https://user:swordfish@api.infusionsoft.com/crm")]), "KEAP_API_URL"),
        (vec![("KEAP_TOKEN_URL", "http://127.0.0.1:8100/token")], "KEAP_TOKEN_URL"),
        (
            vec![("KEAP_API_KEY", "swordfish-canary"), ("KEAP_REDIRECT_URI", "https://x.example/")],
            "KEAP_REDIRECT_URI",
        ),
        (vec![("SANDBOX_LISTEN", "0.0.0.0:8100")], "SANDBOX_LISTEN"),
        (vec![("BUTTONPUSH_LISTEN", "8080")], "BUTTONPUSH_LISTEN"),
        (vec![("BUTTONPUSH_LISTEN", "localhost:8080")], "BUTTONPUSH_LISTEN"),
        (vec![("BUTTONPUSH_LISTEN", "0.0.0.0:8080")], "BUTTONPUSH_LISTEN"),
        (vec![("BUTTONPUSH_LISTEN", "[::]:8080")], "BUTTONPUSH_LISTEN"),
        (vec![("BUTTONPUSH_PUBLIC_URL", "http://push.example.com")], "BUTTONPUSH_PUBLIC_URL"),
        (vec![("BUTTONPUSH_PUBLIC_URL", "https://push.example.com/app")], "BUTTONPUSH_PUBLIC_URL"),
        (vec![("BUTTONPUSH_PUBLIC_URL", "https://push.example.com/?x")], "BUTTONPUSH_PUBLIC_URL"),
        (vec![("BUTTONPUSH_PUBLIC_URL", "https://u:swordfish@push.example.com")], "BUTTONPUSH_PUBLIC_URL"),
        (vec![("BUTTONPUSH_PUBLIC_URL", "ftp://push.example.com")], "BUTTONPUSH_PUBLIC_URL"),
        (vec![("BUTTONPUSH_PUBLIC_URL", "push.example.com")], "BUTTONPUSH_PUBLIC_URL"),
        (vec![("BUTTONPUSH_TRUSTED_PROXIES", "10.0.0.0/8")], "BUTTONPUSH_TRUSTED_PROXIES"),
        (vec![("BUTTONPUSH_SIGN_UPS_PER_HOUR", "0")], "BUTTONPUSH_SIGN_UPS_PER_HOUR"),
        (vec![("BUTTONPUSH_SIGN_UPS_PER_HOUR", "60/h")], "BUTTONPUSH_SIGN_UPS_PER_HOUR"),
        (vec![("BUTTONPUSH_LOG", "buttonpush=loud")], "BUTTONPUSH_LOG"),
        (
            vec![("KEAPSAKE_ALARM_WEBHOOK_URL", "https://hooks.example.com/swordfish")],
            "KEAPSAKE_ALARM_WEBHOOK_SECRET",
        ),
        (
            vec![("KEAPSAKE_ALARM_WEBHOOK_SECRET", "swordfish-canary-0123456789")],
            "KEAPSAKE_ALARM_WEBHOOK_URL",
        ),
        (
            webhook("http://hooks.example.com/swordfish", "swordfish-canary-0123456789"),
            "KEAPSAKE_ALARM_WEBHOOK_URL",
        ),
        (webhook("hooks.example.com", "swordfish-canary-0123456789"), "KEAPSAKE_ALARM_WEBHOOK_URL"),
        (webhook("https://hooks.example.com/", "swordfish"), "KEAPSAKE_ALARM_WEBHOOK_SECRET"),
        (vec![("KEAPSAKE_ALARM_COMMAND", "mail")], "KEAPSAKE_ALARM_COMMAND"),
        (vec![("KEAPSAKE_ALARM_COMMAND", "/nowhere/mail --swordfish")], "KEAPSAKE_ALARM_COMMAND"),
        (vec![("KEAPSAKE_HEARTBEAT_URL", "http://beat.example.com/swordfish")], "KEAPSAKE_HEARTBEAT_URL"),
        (vec![("KEAPSAKE_POLICY", "grace")], "KEAPSAKE_POLICY"),
        (vec![("KEAPSAKE_POLICY", "grace:0")], "KEAPSAKE_POLICY"),
        (vec![("KEAPSAKE_POLICY", "grace:60s")], "KEAPSAKE_POLICY"),
        (vec![("KEAPSAKE_POLICY", "Unmeasured")], "KEAPSAKE_POLICY"),
        (with_key("KEAPSAKE_POLICY", "unmeasured"), "KEAPSAKE_POLICY"),
        (with_key("KEAPSAKE_ALARM_COMMAND", "/bin/true"), "KEAPSAKE_ALARM_COMMAND"),
        (with_key("KEAPSAKE_HEARTBEAT_URL", "https://beat.example.com/"), "KEAPSAKE_HEARTBEAT_URL"),
        (with_key("KEAPSAKE_ALARM_WEBHOOK_URL", "https://hooks.example.com/"), "KEAPSAKE_ALARM_WEBHOOK_URL"),
        (vec![("DATABASE_URL", "postgres://u:swordfish@db/x")], "DATABASE_URL"),
        (vec![("DATABASE_URL", "mysql://u:swordfish@db/x")], "DATABASE_URL"),
        (vec![("DATABASE_URL", "sqlite::memory:")], "DATABASE_URL"),
        (vec![("DATABASE_URL", "sqlite:/tmp/elsewhere.db")], "DATABASE_URL"),
        (vec![("DATABASE_URL", "sqlite:data/x.db?mode=ro")], "DATABASE_URL"),
    ];
    for (settings, name) in cases {
        let refused = load(&settings, None).expect_err(name).to_string();
        assert!(refused.starts_with(name), "{settings:?}: {refused}");
        assert!(refused.contains("likely:") && refused.contains("to do:"), "{refused}");
        assert!(!refused.contains("swordfish"), "{refused}");
    }
}

#[test]
fn alarms_go_where_the_settings_say() {
    let nobody = load(&[], None).unwrap().alarms;
    assert!(nobody.webhook.is_none() && nobody.command.is_none() && nobody.heartbeat.is_none());
    let mut settings = webhook("https://hooks.example.com/swordfish", "swordfish-canary-0123456789");
    settings.push(("KEAPSAKE_ALARM_COMMAND", "/bin/sh /srv/alarm.sh  --urgent"));
    settings.push(("KEAPSAKE_HEARTBEAT_URL", "http://127.0.0.1:9/beat"));
    let config = load(&settings, None).unwrap();
    let Command { program, arguments } = config.alarms.command.as_ref().unwrap();
    assert_eq!(
        (program.to_str(), &arguments[..]),
        (Some("/bin/sh"), &["/srv/alarm.sh".into(), "--urgent".into()][..])
    );
    assert_eq!(config.alarms.webhook.as_ref().unwrap().url.as_str(), "https://hooks.example.com/swordfish");
    assert_eq!(config.alarms.heartbeat.as_ref().unwrap().path(), "/beat");
    assert!(!format!("{config:?}").contains("swordfish"), "{config:?}");
}

#[test]
fn what_was_measured_at_keap_is_a_policy() {
    let policy = |text: &'static str| load(&[("KEAPSAKE_POLICY", text)], None).unwrap().policy;
    assert_eq!(load(&[], None).unwrap().policy, Policy::Unmeasured);
    assert_eq!(policy("unmeasured"), Policy::Unmeasured);
    assert_eq!(policy("access-token-tells"), Policy::AccessTokenTells);
    assert_eq!(policy("grace:60"), Policy::Grace(std::time::Duration::from_mins(1)));
    assert_eq!(policy("reuse-revokes"), Policy::ReuseRevokes);
    let file = load(&[], Some("keapsake_policy = \"grace:5\"")).unwrap();
    assert_eq!(file.policy, Policy::Grace(std::time::Duration::from_secs(5)));
}

#[test]
fn the_journal_is_in_the_data_directory() {
    assert_eq!(
        load(&[("BUTTONPUSH_DATA", "/tmp/x")], None).unwrap().journal,
        PathBuf::from("/tmp/x/journal")
    );
}

#[test]
fn postgres_is_told_to_be_not_there_yet() {
    let refused = load(&[("DATABASE_URL", "postgres://db/x")], None).unwrap_err().to_string();
    assert!(refused.contains("cannot use yet"), "{refused}");
}

#[test]
fn files_that_are_wrong_are_refused_without_their_content() {
    let cases = [
        ("keap_clientid = \"swordfish-canary\"", "keap_clientid"),
        ("keap_api_key = \"swordfish-canary\"\nkeap_api_key = \"swordfish-canary\"", "line 2"),
        ("keap_api_key = swordfish-canary", "line 1"),
        ("[buttonpush]\nlisten = \"x\"", "BUTTONPUSH"),
        ("buttonpush_sign_ups_per_hour = 60", "BUTTONPUSH_SIGN_UPS_PER_HOUR"),
        ("keap_api_key = [\"swordfish-canary\"]", "KEAP_API_KEY"),
    ];
    for (file, says) in cases {
        let refused = load(&[], Some(file)).expect_err(file).to_string();
        assert!(refused.to_lowercase().contains(&says.to_lowercase()), "{file}: {refused}");
        assert!(!refused.contains("swordfish"), "{refused}");
    }
    let twice =
        load(&[("BUTTONPUSH_LOG", "info")], Some("buttonpush_log = \"info\"")).unwrap_err().to_string();
    assert!(twice.contains("given twice: in the environment and in"), "{twice}");
    let missing =
        Config::load(Sources { environment: vec![], file: Some("/nowhere/x.toml".into()) }).unwrap_err();
    assert!(missing.to_string().contains("/nowhere/x.toml"), "{missing}");
}

#[test]
fn a_proxy_that_nobody_trusts_is_worth_a_word() {
    assert!(
        load(&REAL, None).unwrap().advice().is_some_and(|words| words.contains("BUTTONPUSH_TRUSTED_PROXIES"))
    );
    assert_eq!(load(&with(&[("BUTTONPUSH_TRUSTED_PROXIES", "127.0.0.1")]), None).unwrap().advice(), None);
    assert_eq!(load(&[], None).unwrap().advice(), None);
}

#[test]
fn safe_combinations_are_taken() {
    let local: [(&str, &str); 6] = [
        ("KEAP_CLIENT_ID", "an-id"),
        ("KEAP_CLIENT_SECRET", "swordfish-canary"),
        ("KEAP_AUTHORIZE_URL", "http://127.0.0.1:8100/app/oauth/authorize"),
        ("KEAP_TOKEN_URL", "http://127.0.0.1:8100/token"),
        ("KEAP_API_URL", "http://localhost:8100/crm"),
        ("BUTTONPUSH_LISTEN", "[::1]:0"),
    ];
    load(&local, None).unwrap();
    load(&with(&[("BUTTONPUSH_LISTEN", "0.0.0.0:8080")]), None).unwrap();
    load(&[REAL[0], REAL[1], ("BUTTONPUSH_PUBLIC_URL", "https://push.example.com")], None).unwrap();
    load(&[("BUTTONPUSH_DATA", "/tmp/x"), ("DATABASE_URL", "sqlite:///tmp/x/people.db")], None).unwrap();
    load(&[("BUTTONPUSH_TRUSTED_PROXIES", "127.0.0.1, ::1")], None).unwrap();
}
