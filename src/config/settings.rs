//! Every setting there is, in one table: the environment, the file, the flags' help texts and the
//! table in `docs/configuration.md` are all made from it.

mod words;

use std::time::Duration;

pub use words::{help, markdown};

/// One setting: where it can be given, what it may be, and what it is for.
#[derive(Debug)]
pub struct Setting {
    /// Its name, which is also its key in the file.
    pub name: &'static str,
    /// The flag, with dashes.
    pub flag: Option<&'static str>,
    /// Environment variables; the first one that has a value wins.
    pub variables: &'static [&'static str],
    /// Whether the file may hold it.
    pub in_file: bool,
    /// Whether a table may have its own, in the section `[tables."schema.table"]` of the file.
    pub per_table: bool,
    /// What it may be.
    pub kind: Kind,
    /// What it is when nobody gives it.
    pub default: Unset,
    /// One line for a person: no capital, no period.
    pub help: &'static str,
}

/// What a setting may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is never shown, and never taken from a flag or from the file.
    Secret,
    /// Texts between commas.
    List,
    /// Directories and URLs: between commas or line breaks, and whole where a flag is repeated.
    Places,
    /// Some of these words, between commas.
    AnyOf(&'static [&'static str]),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Yes or no.
    Switch,
    /// A whole number, both ends included.
    Count(i64, i64),
    /// Bytes, both ends included.
    Size(u64, u64),
    /// A duration, both ends included.
    Duration(Duration, Duration),
}

/// What a setting is when nobody gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// This value, written as a person would write it.
    Value(&'static str),
    /// Something that the code finds out, in words.
    Described(&'static str),
    /// Nothing.
    Nothing,
}

use Kind::{AnyOf, Count, List, OneOf, Places, Secret, Size, Switch, Text};
use Unset::{Described, Nothing, Value};

const fn row(
    name: &'static str,
    flag: Option<&'static str>,
    variables: &'static [&'static str],
    kind: Kind,
    default: Unset,
    help: &'static str,
) -> Setting {
    Setting { name, flag, variables, in_file: !matches!(kind, Kind::Secret), per_table: false, kind, default, help }
}

/// A limit that a table may have for itself.
const fn of_table(setting: Setting) -> Setting {
    Setting { per_table: true, ..setting }
}

/// A variable of other programs, which keeps their name and their meaning.
const fn theirs(name: &'static str, variables: &'static [&'static str], kind: Kind, help: &'static str) -> Setting {
    Setting { in_file: false, ..row(name, None, variables, kind, Nothing, help) }
}

const fn seconds(from: u64, to: u64) -> Kind {
    Kind::Duration(Duration::from_secs(from), Duration::from_secs(to))
}

const fn hours(from: u64, to: u64) -> Kind {
    seconds(from * 3600, to * 3600)
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const MANY: i64 = 1_000_000_000_000;

/// All settings. Supabase's own things keep Supabase's names; ours start with `SUPABACKUP_`.
#[rustfmt::skip]
pub static SETTINGS: &[Setting] = &[
    // the project
    row("url", Some("--url"), &["SUPABASE_URL"], Text, Described("from the project ref"),
        "the project's URL, like https://abcdefghijklmnopqrst.supabase.co"),
    row("project_ref", Some("--project-ref"), &["SUPABASE_PROJECT_REF"], Text, Described("from the URL"),
        "the project's ref; names the project's folder in the store"),
    row("secret_key", None, &["SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"], Secret, Nothing,
        "the key that reads the rows: sb_secret_…, or the legacy service_role key"),
    row("access_token", None, &["SUPABASE_ACCESS_TOKEN"], Secret, Nothing,
        "a personal access token (sbp_…) for SQL through the Management API; it needs the permission database_read"),
    row("management_url", None, &["SUPABACKUP_MANAGEMENT_URL"], Text, Value("https://api.supabase.com"),
        "the Management API's address"),
    row("sql", Some("--sql"), &["SUPABACKUP_SQL"], OneOf(&["auto", "management", "meta", "helper", "none"]), Value("auto"),
        "how SQL reaches the database: the Management API, postgres-meta (self-hosted), the helper's functions, or the first of them that works"),
    row("allow_http", None, &["SUPABACKUP_ALLOW_HTTP"], Switch, Value("no"),
        "send the key unencrypted, to hosts outside this machine and private networks too"),
    // the store
    row("store", Some("--store"), &["SUPABACKUP_STORE"], Places, Value("./backups"),
        "where snapshots live: a directory, or s3://bucket/folder, gs://bucket/folder, az://container/folder, github-release://owner/name, github-artifact://owner/name"),
    row("copy_to", Some("--to"), &["SUPABACKUP_COPY_TO"], Places, Nothing,
        "the store that snapshots are copied to"),
    row("replicate_to", Some("--replicate-to"), &["SUPABACKUP_REPLICATE_TO"], Places, Nothing,
        "further stores that each run keeps complete: copies of what the first store holds"),
    row("allow_plaintext_in_public_repository", Some("--allow-plaintext-in-public-repository"), &["SUPABACKUP_ALLOW_PLAINTEXT_IN_PUBLIC_REPOSITORY"], Switch, Value("no"),
        "put snapshots that are not sealed into a repository that everybody can read, or whose audience cannot be found out"),
    // encryption
    row("recipients", Some("--recipient"), &["SUPABACKUP_RECIPIENTS"], List, Described("not sealed"),
        "public keys that may open the snapshot: age1…, ssh-ed25519 …, ssh-rsa …"),
    row("recipients_file", Some("--recipients-file"), &["SUPABACKUP_RECIPIENTS_FILE"], List, Nothing,
        "files with such public keys, one per line"),
    row("passphrase", None, &["SUPABACKUP_PASSPHRASE"], Secret, Nothing,
        "a passphrase that may open the snapshot, and opens it"),
    row("seal_manifest", Some("--seal-manifest"), &["SUPABACKUP_SEAL_MANIFEST"], Switch, Value("no"),
        "hide the names of tables too"),
    row("identity_file", Some("--identity-file"), &["SUPABACKUP_IDENTITY_FILE"], List, Nothing,
        "files with private keys that open sealed snapshots: identities of age, or SSH keys"),
    row("identity", None, &["SUPABACKUP_IDENTITY"], Secret, Nothing,
        "a private key that opens sealed snapshots: the text of such a file"),
    // what to back up
    row("schemas", Some("--schema"), &["SUPABACKUP_SCHEMAS"], List, Described("all exposed"),
        "schemas to back up"),
    row("include", Some("--include"), &["SUPABACKUP_INCLUDE"], List, Described("every table"),
        "tables to back up: exact names or globs, for table or schema.table"),
    row("exclude", Some("--exclude"), &["SUPABACKUP_EXCLUDE"], List, Nothing,
        "tables to leave out: exact names or globs; wins over --include"),
    row("only_granted", Some("--only-granted"), &["SUPABACKUP_ONLY_GRANTED"], Switch, Value("no"),
        "leave out what service_role was not granted, instead of reading it through SQL"),
    row("artifacts", Some("--artifacts"), &["SUPABACKUP_ARTIFACTS"], AnyOf(&["sql", "json"]), Value("sql,json"),
        "forms to store the rows in"),
    // how
    row("connections", Some("--connections"), &["SUPABACKUP_CONNECTIONS"], Count(1, 32), Value("4"),
        "requests in flight at once"),
    row("compression", Some("--compression"), &["SUPABACKUP_COMPRESSION"], OneOf(&["zstd", "gzip"]), Value("zstd"),
        "form of compressed files: zstd is faster and smaller, gzip is there on every machine"),
    row("compression_level", Some("--compression-level"), &["SUPABACKUP_COMPRESSION_LEVEL"], Count(-7, 19), Value("1"),
        "compression level of zstd; higher is smaller and slower; gzip knows 1 to 9"),
    row("part_size", Some("--part-size"), &["SUPABACKUP_PART_SIZE"], Size(64 * KIB, GIB), Value("16MiB"),
        "size of one stored part before compression"),
    row("page_size", Some("--page-size"), &["SUPABACKUP_PAGE_SIZE"], Size(16 * KIB, 64 * MIB), Value("1MiB"),
        "size that one response of the API should have"),
    row("paging", Some("--paging"), &["SUPABACKUP_PAGING"], OneOf(&["auto", "ctid", "keyset"]), Value("auto"),
        "how tables are read: by physical address (ctid), by key, or as each one allows"),
    row("passes", Some("--passes"), &["SUPABACKUP_PASSES"], Count(1, 50), Value("5"),
        "passes over a table that keeps changing before it is marked as moved"),
    row("request_timeout", Some("--request-timeout"), &["SUPABACKUP_REQUEST_TIMEOUT"], seconds(1, 3600), Value("90s"),
        "time limit of one request"),
    row("retries", Some("--retries"), &["SUPABACKUP_RETRIES"], Count(0, 30), Value("6"),
        "how often a request that failed on the way is sent again"),
    row("retry_delay", Some("--retry-delay"), &["SUPABACKUP_RETRY_DELAY"],
        Kind::Duration(Duration::from_millis(1), Duration::from_secs(60)), Value("500ms"),
        "pause before the first retry; it doubles each time"),
    // what to keep
    row("retention", Some("--retention"), &["SUPABACKUP_RETENTION"], OneOf(&["development", "staging", "production"]),
        Described("30 days, at most 50 snapshots"),
        "a ready profile of what to keep: 7 days, 14 days, or 30 days and each month's last snapshot for a year"),
    row("keep_within", Some("--keep-within"), &["SUPABACKUP_KEEP_WITHIN"], hours(1, 36_500 * 24), Described("by the profile, or 30d"),
        "keep good snapshots that are not older than this"),
    row("keep_at_most", Some("--keep-at-most"), &["SUPABACKUP_KEEP_AT_MOST"], Count(1, 1_000_000), Value("50"),
        "keep at most so many good snapshots, pinned ones aside"),
    row("keep_hourly", Some("--keep-hourly"), &["SUPABACKUP_KEEP_HOURLY"], Count(0, 1_000_000), Value("0"),
        "keep the last good snapshot of so many hours; those without one do not count"),
    row("keep_daily", Some("--keep-daily"), &["SUPABACKUP_KEEP_DAILY"], Count(0, 1_000_000), Value("0"),
        "keep the last good snapshot of so many days"),
    row("keep_weekly", Some("--keep-weekly"), &["SUPABACKUP_KEEP_WEEKLY"], Count(0, 1_000_000), Value("0"),
        "keep the last good snapshot of so many weeks"),
    row("keep_monthly", Some("--keep-monthly"), &["SUPABACKUP_KEEP_MONTHLY"], Count(0, 1_000_000), Described("by the profile, or 0"),
        "keep the last good snapshot of so many months"),
    row("keep_yearly", Some("--keep-yearly"), &["SUPABACKUP_KEEP_YEARLY"], Count(0, 1_000_000), Value("0"),
        "keep the last good snapshot of so many years"),
    row("keep_floor", Some("--keep-floor"), &["SUPABACKUP_KEEP_FLOOR"], Count(1, 1_000_000), Value("3"),
        "never remove so many of the newest good snapshots"),
    row("keep_incomplete", Some("--keep-incomplete"), &["SUPABACKUP_KEEP_INCOMPLETE"], hours(1, 36_500 * 24), Value("7d"),
        "keep incomplete snapshots, and what dead runs left, for so long"),
    row("keep_safety", Some("--keep-safety"), &["SUPABACKUP_KEEP_SAFETY"], hours(1, 36_500 * 24), Value("30d"),
        "keep the safety snapshots of restores for so long"),
    row("freeze_after", Some("--freeze-after"), &["SUPABACKUP_FREEZE_AFTER"], hours(1, 36_500 * 24), Value("48h"),
        "remove nothing of a project whose newest good snapshot is older than this"),
    row("freeze_rows", Some("--freeze-rows"), &["SUPABACKUP_FREEZE_ROWS"], Count(1, 100), Value("50"),
        "remove nothing of a project whose newest complete snapshot lost more than so many percent of its rows; 100 switches this off"),
    row("freeze_tables", Some("--freeze-tables"), &["SUPABACKUP_FREEZE_TABLES"], Count(1, 100), Value("50"),
        "remove nothing of a project whose newest complete snapshot lost more than so many percent of its tables; 100 switches this off"),
    // what the watch allows; 0 switches off
    row("history", Some("--history"), &["SUPABACKUP_HISTORY"], hours(24, 3_650 * 24), Value("30d"),
        "how far back the watch looks"),
    row("max_age", Some("--max-age"), &["SUPABACKUP_MAX_AGE"], hours(1, 36_500 * 24), Value("24h"),
        "the newest good snapshot is not older than this"),
    row("schedule_grace", None, &["SUPABACKUP_SCHEDULE_GRACE"], seconds(0, 30 * 86_400), Value("6h"),
        "a schedule may be late by this before it is an error"),
    of_table(row("max_rows", Some("--max-rows"), &["SUPABACKUP_MAX_ROWS"], Count(0, MANY), Value("10000"),
        "rows that a table may have; 0: any number")),
    row("max_total_rows", Some("--max-total-rows"), &["SUPABACKUP_MAX_TOTAL_ROWS"], Count(0, MANY), Value("50000"),
        "rows that all tables together may have; 0: any number"),
    of_table(row("daily_growth", Some("--daily-growth"), &["SUPABACKUP_DAILY_GROWTH"], Count(0, 1_000_000), Value("10"),
        "percent that a table, and all together, may grow in a day; 0: any")),
    of_table(row("weekly_growth", Some("--weekly-growth"), &["SUPABACKUP_WEEKLY_GROWTH"], Count(0, 1_000_000), Value("50"),
        "percent that a table, and all together, may grow in a week; 0: any")),
    of_table(row("max_shrink", Some("--max-shrink"), &["SUPABACKUP_MAX_SHRINK"], Count(0, 100), Value("20"),
        "percent of the rows that were usual in the week before that a table may lose; 0: any")),
    of_table(row("min_change", None, &["SUPABACKUP_MIN_CHANGE"], Count(0, MANY), Value("100"),
        "a change of fewer rows than this is never told as growth, loss, or unusual")),
    of_table(row("min_emptied", None, &["SUPABACKUP_MIN_EMPTIED"], Count(0, MANY), Value("10"),
        "a table that had so many rows in all snapshots of the time that is looked at may not be empty; 0: it may")),
    row("max_snapshot_size", Some("--max-snapshot-size"), &["SUPABACKUP_MAX_SNAPSHOT_SIZE"], Size(0, 1 << 50), Value("100MB"),
        "size that a snapshot may have as stored; 0: any"),
    row("max_unverified", None, &["SUPABACKUP_MAX_UNVERIFIED"], hours(1, 36_500 * 24), Value("48h"),
        "a complete snapshot is read back before it is older than this"),
    row("archive_notice", None, &["SUPABACKUP_ARCHIVE_NOTICE"], hours(1, 36_500 * 24), Value("7d"),
        "tell so long before the newest good snapshot is older than keep_within"),
    row("max_lag", None, &["SUPABACKUP_MAX_LAG"], hours(1, 36_500 * 24), Value("12h"),
        "a store may be behind the others by this"),
    row("key_notice", None, &["SUPABACKUP_KEY_NOTICE"], hours(1, 36_500 * 24), Value("30d"),
        "tell so long before the project's key ends"),
    row("max_database_size", Some("--max-database-size"), &["SUPABACKUP_MAX_DATABASE_SIZE"], Size(0, 1 << 50), Value("500MB"),
        "size of the database that the project's plan allows, by default that of the free plan; 0: any"),
    row("quota_notice", None, &["SUPABACKUP_QUOTA_NOTICE"], Count(1, 100), Value("80"),
        "percent of max_database_size that are told"),
    row("min_free", None, &["SUPABACKUP_MIN_FREE"], Size(0, 1 << 50), Value("500MB"),
        "space that is free in a directory of snapshots; 0: as much as the newest one takes"),
    row("max_idle", None, &["SUPABACKUP_MAX_IDLE"], hours(24, 36_500 * 24), Value("50d"),
        "tell of a scheduled workflow whose repository nobody touched for so long"),
    row("max_unrestored", None, &["SUPABACKUP_MAX_UNRESTORED"], hours(24, 36_500 * 24), Value("30d"),
        "restoring is proven again within this"),
    row("forecast_notice", None, &["SUPABACKUP_FORECAST_NOTICE"], hours(1, 365 * 24), Value("14d"),
        "tell of a limit that will be reached within this"),
    row("unusual_score", None, &["SUPABACKUP_UNUSUAL_SCORE"], Count(3, 99), Value("5"),
        "a day is unusual that lies so many deviations from others of its weekday"),
    // run
    row("wait", Some("--wait"), &["SUPABACKUP_WAIT"], seconds(0, 86_400), Value("0s"),
        "how long to wait for another run of the same project that is at work"),
    row("heartbeat_url", None, &["SUPABACKUP_HEARTBEAT_URL"], Secret, Nothing,
        "an address that is told when a run starts, succeeds and fails; whoever knows it can tell it so too"),
    row("heartbeat", Some("--heartbeat"), &["SUPABACKUP_HEARTBEAT"],
        OneOf(&["auto", "healthchecks", "cronitor", "kuma", "betterstack", "plain"]), Value("auto"),
        "how that address wants to be told; auto sees it by the address, and else does it as Healthchecks does"),
    row("report_dir", Some("--report-dir"), &["SUPABACKUP_REPORT_DIR"], Text, Nothing,
        "a directory to write the report of a run into: run.md, run.html, run.json"),
    row("dashboard", Some("--dashboard"), &["SUPABACKUP_DASHBOARD"], Text, Nothing,
        "a file to write the dashboard into: one HTML page, which names tables"),
    row("dashboard_history", None, &["SUPABACKUP_DASHBOARD_HISTORY"], hours(24, 3_650 * 24), Value("400d"),
        "how far back the dashboard shows snapshots"),
    // whom run and monitor tell
    row("notify_on", Some("--notify-on"), &["SUPABACKUP_NOTIFY_ON"], OneOf(&["error", "warning", "always"]), Value("error"),
        "tell the channels below of findings at this level or above; always: each time"),
    row("webhook_url", None, &["SUPABACKUP_WEBHOOK_URL"], Secret, Nothing,
        "an address that gets what is found, as JSON"),
    row("webhook_secret", None, &["SUPABACKUP_WEBHOOK_SECRET"], Secret, Described("not signed"),
        "what messages to that address are signed with (HMAC-SHA-256)"),
    row("slack_url", None, &["SUPABACKUP_SLACK_URL"], Secret, Nothing, "an incoming webhook of Slack"),
    row("discord_url", None, &["SUPABACKUP_DISCORD_URL"], Secret, Nothing, "a webhook of a Discord channel"),
    row("teams_url", None, &["SUPABACKUP_TEAMS_URL"], Secret, Nothing,
        "a Power Automate workflow that posts Adaptive Cards to Teams"),
    row("github_issues", Some("--github-issues"), &["SUPABACKUP_GITHUB_ISSUES"], Switch, Value("no"),
        "keep one issue for each incident in GITHUB_REPOSITORY: opened, kept up to date, closed; needs GITHUB_TOKEN"),
    row("issue_level", Some("--issue-level"), &["SUPABACKUP_ISSUE_LEVEL"], OneOf(&["error", "warning"]), Value("error"),
        "findings at this level or above have an issue"),
    row("issue_label", None, &["SUPABACKUP_ISSUE_LABEL"], Text, Value("supabackup"),
        "the label by which issues are found again"),
    row("issue_labels", None, &["SUPABACKUP_ISSUE_LABELS"], List, Nothing, "further labels of a new issue"),
    row("issue_assignees", None, &["SUPABACKUP_ISSUE_ASSIGNEES"], List, Nothing, "who a new issue is assigned to"),
    row("issue_reopen", None, &["SUPABACKUP_ISSUE_REOPEN"], hours(0, 3_650 * 24), Value("30d"),
        "an issue that was closed less than this ago is opened again, instead of making a new one"),
    // compression ages
    row("recompress_after", Some("--recompress-after"), &["SUPABACKUP_RECOMPRESS_AFTER"], hours(0, 36_500 * 24), Value("7d"),
        "compress snapshots that are older than this again, harder"),
    row("recompress_level", Some("--recompress-level"), &["SUPABACKUP_RECOMPRESS_LEVEL"], Count(1, 19), Value("19"),
        "level of zstd for that, with long-distance matching"),
    row("recompress_budget", Some("--recompress-budget"), &["SUPABACKUP_RECOMPRESS_BUDGET"], seconds(0, 7 * 24 * 3600), Value("10m"),
        "time that one run may spend on that; 0s switches it off"),
    // restoring on trial
    row("restore_into", None, &["SUPABACKUP_RESTORE_INTO"], Secret, Nothing,
        "a PostgreSQL server that a drill restores into: verify then loads the snapshot into a scratch database there"),
    Setting { in_file: false, ..row("restore_server", Some("--restore-into"), &[], Text, Described("from SUPABACKUP_RESTORE_INTO"),
        "the same without a password: like postgres://postgres@localhost:5432/postgres") },
    theirs("pgpassword", &["PGPASSWORD"], Secret, "psql: the password of that server, where its address holds none"),
    theirs("pgpassfile", &["PGPASSFILE"], Text, "psql: the file with it"),
    theirs("path", &["PATH"], Text, "psql: where that program is looked for"),
    // output and files
    row("progress", Some("--progress"), &["SUPABACKUP_PROGRESS"], OneOf(&["auto", "bars", "lines", "none"]), Value("auto"),
        "progress on stderr; auto is bars on a terminal and lines elsewhere"),
    row("quiet", Some("--quiet"), &["SUPABACKUP_QUIET"], Switch, Value("no"),
        "no progress, only what needs a person"),
    Setting { in_file: false, ..row("config", Some("--config"), &["SUPABACKUP_CONFIG"], Text,
        Described("./supabackup.toml if there is one"), "the configuration file") },
    // GitHub
    row("annotations", None, &["SUPABACKUP_ANNOTATIONS"], Switch, Value("yes"),
        "github: what needs a person becomes annotations of the step"),
    row("job_summary", None, &["SUPABACKUP_JOB_SUMMARY"], Switch, Value("yes"),
        "github: the report is shown on the job's page"),
    Setting { in_file: false, ..row("args", None, &["SUPABACKUP_ARGS"], Text, Nothing,
        "arguments behind those of the command line, one a line, for the GitHub action: latest, or --depth hashed") },
    // where it runs
    theirs("github_repository", &["GITHUB_REPOSITORY"], Text, "github: the repository of the workflow; set by the runner"),
    theirs("github_run_id", &["GITHUB_RUN_ID"], Text, "github: the workflow's run; set by the runner"),
    theirs("github_token", &["GITHUB_TOKEN"], Secret, "github: the token for its API; docs/stores.md tells which permissions it needs"),
    Setting { default: Value("https://api.github.com"), ..theirs("github_api_url", &["GITHUB_API_URL"], Text,
        "github: its API, https://HOST/api/v3 of an Enterprise Server; set by the runner") },
    Setting { default: Value("https://github.com"), ..theirs("github_server_url", &["GITHUB_SERVER_URL"], Text,
        "github: what people open; set by the runner") },
    theirs("github_results_url", &["ACTIONS_RESULTS_URL"], Text, "github: the runner's artifact service; set by the runner"),
    theirs("github_runtime_token", &["ACTIONS_RUNTIME_TOKEN"], Secret, "github: the token for it; set by the runner"),
    theirs("github_workflow", &["GITHUB_WORKFLOW"], Text, "github: its name; set by the runner"),
    theirs("github_workflow_ref", &["GITHUB_WORKFLOW_REF"], Text, "github: its file; set by the runner"),
    theirs("github_event", &["GITHUB_EVENT_NAME"], Text, "github: what started it; set by the runner"),
    Setting { in_file: false, ..row("clock", None, &["SUPABACKUP_CLOCK"], Text, Described("this machine's clock"),
        "for tests only: the time that it is when the program starts, like 2026-11-23T03:15:00Z") },
    // what stores in the network need
    theirs("aws_access_key_id", &["AWS_ACCESS_KEY_ID"], Text, "s3: the id of an access key"),
    theirs("aws_secret_access_key", &["AWS_SECRET_ACCESS_KEY"], Secret, "s3: its secret"),
    theirs("aws_session_token", &["AWS_SESSION_TOKEN"], Secret, "s3: the token of a key that ends by itself"),
    theirs("aws_region", &["AWS_REGION", "AWS_DEFAULT_REGION"], Text, "s3: the bucket's region, where the URL names none"),
    theirs("aws_endpoint_url", &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"], Text, "s3: the server, where the URL names none"),
    theirs("aws_role_arn", &["AWS_ROLE_ARN"], Text, "s3: a role to assume with the token of this job"),
    theirs("aws_role_session_name", &["AWS_ROLE_SESSION_NAME"], Text, "s3: what its session is called in logs"),
    theirs("aws_web_identity_token_file", &["AWS_WEB_IDENTITY_TOKEN_FILE"], Text, "s3: the file with that token"),
    theirs("aws_endpoint_url_sts", &["AWS_ENDPOINT_URL_STS"], Text, "s3: the server that gives keys of a role"),
    theirs("aws_container_uri", &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"], Text, "s3: where an ECS task gets its keys"),
    theirs("aws_container_url", &["AWS_CONTAINER_CREDENTIALS_FULL_URI"], Text, "s3: where an EKS pod gets its keys"),
    theirs("aws_container_token_file", &["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"], Text, "s3: the file with its token"),
    theirs("github_token_url", &["ACTIONS_ID_TOKEN_REQUEST_URL"], Text, "s3: where a GitHub job gets its token; set by the runner"),
    theirs("github_token_token", &["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], Secret, "s3: what it asks for it with; set by the runner"),
    theirs("google_application_credentials", &["GOOGLE_APPLICATION_CREDENTIALS"], Text, "gs: the file with the credentials"),
    theirs("google_service_account_key", &["GOOGLE_SERVICE_ACCOUNT_KEY"], Secret, "gs: a service account's key, as JSON"),
    theirs("google_bearer_token", &["GOOGLE_BEARER_TOKEN"], Secret, "gs: an access token"),
    theirs("azure_storage_account_name", &["AZURE_STORAGE_ACCOUNT_NAME"], Text, "az: the storage account, where the URL names none"),
    theirs("azure_storage_account_key", &["AZURE_STORAGE_ACCOUNT_KEY"], Secret, "az: its key"),
    theirs("azure_storage_sas_key", &["AZURE_STORAGE_SAS_KEY"], Secret, "az: a shared access signature"),
    theirs("azure_tenant_id", &["AZURE_TENANT_ID"], Text, "az: the tenant of an application"),
    theirs("azure_client_id", &["AZURE_CLIENT_ID"], Text, "az: the application"),
    theirs("azure_client_secret", &["AZURE_CLIENT_SECRET"], Secret, "az: its secret"),
    theirs("azure_federated_token_file", &["AZURE_FEDERATED_TOKEN_FILE"], Text, "az: or the file with its token"),
];

/// The setting of this name. Names are written in the code only, never read from input.
pub(crate) fn setting(name: &str) -> &'static Setting {
    SETTINGS.iter().find(|s| s.name == name).unwrap_or_else(|| unreachable!("{name} is not in the table of settings"))
}
