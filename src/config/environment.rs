//! The environment, through `envy`. What envy alone would get wrong is done before it: an empty
//! value counts as unset (runners set unset secrets and inputs to the empty string), a variable that
//! is not UTF-8 is an error only if it is ours, and errors name the full variable.

use std::ffi::OsString;

use secrecy::SecretString;
use serde::Deserialize;

use crate::config::settings::{Kind, SETTINGS};
use crate::config::sources::{Given, Layer, Mistakes, Origin, Raw, did_you_mean};

const OURS: &str = "SUPABACKUP_";
const SUPABASE: &str = "SUPABASE_";

/// One flat struct per prefix (envy cannot flatten). All values are texts here: checking comes
/// later and names the variable, which envy could not.
macro_rules! variables {
    ($name:ident { $($field:ident: $text:ty => $raw:ident,)* }) => {
        #[derive(Deserialize)]
        struct $name {
            $($field: Option<$text>,)*
        }

        impl $name {
            fn into_values(self) -> Vec<(&'static str, Raw)> {
                let values = [$((stringify!($field), self.$field.map(Raw::$raw)),)*];
                values.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
            }
        }
    };
}

variables!(Ours {
    allow_http: String => Text,
    allow_plaintext_in_public_repository: String => Text,
    annotations: String => Text,
    archive_notice: String => Text,
    args: String => Text,
    artifacts: String => Text,
    clock: String => Text,
    compression_level: String => Text,
    config: String => Text,
    connections: String => Text,
    daily_growth: String => Text,
    dashboard: String => Text,
    dashboard_history: String => Text,
    discord_url: SecretString => Secret,
    compression: String => Text,
    copy_to: String => Text,
    exclude: String => Text,
    forecast_notice: String => Text,
    freeze_after: String => Text,
    freeze_rows: String => Text,
    freeze_tables: String => Text,
    github_issues: String => Text,
    history: String => Text,
    heartbeat: String => Text,
    heartbeat_url: SecretString => Secret,
    identity: SecretString => Secret,
    identity_file: String => Text,
    include: String => Text,
    issue_assignees: String => Text,
    issue_label: String => Text,
    issue_labels: String => Text,
    issue_level: String => Text,
    issue_reopen: String => Text,
    keep_at_most: String => Text,
    keep_daily: String => Text,
    keep_floor: String => Text,
    keep_hourly: String => Text,
    keep_incomplete: String => Text,
    keep_monthly: String => Text,
    keep_safety: String => Text,
    keep_weekly: String => Text,
    keep_within: String => Text,
    keep_yearly: String => Text,
    job_summary: String => Text,
    key_notice: String => Text,
    management_url: String => Text,
    max_age: String => Text,
    max_database_size: String => Text,
    max_idle: String => Text,
    max_lag: String => Text,
    max_rows: String => Text,
    max_shrink: String => Text,
    max_snapshot_size: String => Text,
    max_total_rows: String => Text,
    max_unrestored: String => Text,
    max_unverified: String => Text,
    min_change: String => Text,
    min_emptied: String => Text,
    min_free: String => Text,
    notify_on: String => Text,
    only_granted: String => Text,
    page_size: String => Text,
    paging: String => Text,
    part_size: String => Text,
    passes: String => Text,
    passphrase: SecretString => Secret,
    progress: String => Text,
    quiet: String => Text,
    quota_notice: String => Text,
    recipients: String => Text,
    recipients_file: String => Text,
    report_dir: String => Text,
    recompress_after: String => Text,
    recompress_budget: String => Text,
    recompress_level: String => Text,
    replicate_to: String => Text,
    restore_into: SecretString => Secret,
    request_timeout: String => Text,
    retention: String => Text,
    retries: String => Text,
    retry_delay: String => Text,
    schedule_grace: String => Text,
    schemas: String => Text,
    seal_manifest: String => Text,
    slack_url: SecretString => Secret,
    sql: String => Text,
    store: String => Text,
    teams_url: SecretString => Secret,
    unusual_score: String => Text,
    webhook_secret: SecretString => Secret,
    webhook_url: SecretString => Secret,
    weekly_growth: String => Text,
    wait: String => Text,
});

variables!(Supabase {
    access_token: SecretString => Secret,
    project_ref: String => Text,
    secret_key: SecretString => Secret,
    service_role_key: SecretString => Secret,
    url: String => Text,
});

/// What the environment says. Of a setting with two variables, the first in the table wins.
pub(crate) fn read(vars: impl IntoIterator<Item = (OsString, OsString)>, mistakes: &mut Mistakes) -> Layer {
    let vars = usable(vars, mistakes);
    let others = others(&vars);
    let ours = envy::prefixed(OURS).from_iter::<_, Ours>(vars.iter().cloned()).map(Ours::into_values);
    let supabase = envy::prefixed(SUPABASE).from_iter::<_, Supabase>(vars).map(Supabase::into_values);
    let mut found = Vec::new();
    for (prefix, values) in [(OURS, ours), (SUPABASE, supabase)] {
        match values {
            Ok(values) => found.extend(values.into_iter().map(|(field, raw)| (variable(prefix, field), raw))),
            Err(error) => mistakes.add(format!("reading the {prefix}… variables: {error}")),
        }
    }
    // names of other programs need no struct: nothing but the table knows them
    found.extend(others);
    let mut layer = Layer::new();
    for setting in SETTINGS {
        let first = setting.variables.iter().find_map(|name| {
            let (_, value) = found.iter().find(|(variable, _)| variable == name)?;
            Some(Given { origin: Origin::Variable(name), value: value.clone() })
        });
        layer.extend(first.map(|given| (setting.name, given)));
    }
    layer
}

/// The variables of the table that belong neither to us nor to Supabase.
fn others(vars: &[(String, String)]) -> Vec<(String, Raw)> {
    let others = vars.iter().filter(|(name, _)| !name.starts_with(OURS) && !name.starts_with(SUPABASE));
    let is_secret = |name: &str| SETTINGS.iter().any(|s| s.kind == Kind::Secret && s.variables.contains(&name));
    let raw = |(name, value): &(String, String)| match is_secret(name) {
        true => (name.clone(), Raw::Secret(SecretString::from(value.as_str()))),
        false => (name.clone(), Raw::Text(value.clone())),
    };
    others.map(raw).collect()
}

/// The variables of the table that have a value, trimmed.
fn usable(vars: impl IntoIterator<Item = (OsString, OsString)>, mistakes: &mut Mistakes) -> Vec<(String, String)> {
    let known = || SETTINGS.iter().flat_map(|setting| setting.variables).copied();
    let mut usable = Vec::new();
    for (name, value) in vars {
        // a name that is not UTF-8 is not one of ours
        let Some(name) = name.to_str() else { continue };
        let is_known = known().any(|variable| variable == name);
        match value.to_str().map(str::trim) {
            Some("") => {}
            Some(value) if is_known => usable.push((name.to_owned(), value.to_owned())),
            None if is_known => mistakes.at(&name, "the value is not valid UTF-8"),
            _ if name.starts_with(OURS) => {
                // SUPABACKUP_URL: what is Supabase's keeps Supabase's name
                let theirs = name.replacen(OURS, SUPABASE, 1);
                let near = if known().any(|v| v == theirs) { &theirs } else { name };
                mistakes.at(&name, format!("there is no such variable{}", did_you_mean(near, known())));
            }
            _ => {}
        }
    }
    usable
}

fn variable(prefix: &str, field: &str) -> String {
    format!("{prefix}{}", field.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use secrecy::ExposeSecret;

    use super::*;

    fn read_all(vars: &[(&str, &[u8])]) -> (Layer, String) {
        let vars = vars.iter().map(|(name, value)| (OsString::from(name), OsStr::from_bytes(value).to_owned()));
        let mut mistakes = Mistakes::default();
        let layer = read(vars, &mut mistakes);
        (layer, mistakes.into_result().map_or_else(|failure| failure.message, |()| String::new()))
    }

    #[test]
    fn every_variable_of_the_table_is_read() {
        for setting in SETTINGS {
            for variable in setting.variables {
                let (layer, mistakes) = read_all(&[(variable, b" a value\n")]);
                assert_eq!(mistakes, "");
                let text = match layer.get(setting.name).map(|given| &given.value) {
                    Some(Raw::Text(text)) => text.as_str(),
                    Some(Raw::Secret(secret)) => secret.expose_secret(),
                    _ => "",
                };
                assert_eq!(text, "a value", "{variable}");
            }
        }
    }

    #[test]
    fn an_empty_value_counts_as_unset() {
        for empty in ["", " ", "\n\t"] {
            let (layer, mistakes) = read_all(&[
                ("SUPABACKUP_STORE", empty.as_bytes()),
                ("SUPABASE_SECRET_KEY", empty.as_bytes()),
                ("SUPABASE_SERVICE_ROLE_KEY", b"the other"),
                ("SUPABACKUP_NO_SUCH_THING", empty.as_bytes()),
            ]);
            assert_eq!(mistakes, "");
            assert!(!layer.contains_key("store"));
            let origin = layer.get("secret_key").map(|given| given.origin.clone());
            assert_eq!(origin, Some(Origin::Variable("SUPABASE_SERVICE_ROLE_KEY")));
        }
    }

    #[test]
    fn the_secret_key_goes_before_the_service_role_key() {
        let (layer, _) = read_all(&[("SUPABASE_SERVICE_ROLE_KEY", b"old"), ("SUPABASE_SECRET_KEY", b"new")]);
        let origin = layer.get("secret_key").map(|given| given.origin.clone());
        assert_eq!(origin, Some(Origin::Variable("SUPABASE_SECRET_KEY")));
        assert!(!format!("{layer:?}").contains("new"));
    }

    #[test]
    fn what_is_not_utf8_matters_only_in_our_variables() {
        let (_, mistakes) = read_all(&[("LS_COLORS", b"\xff"), ("SUPABASE_DB_PASSWORD", b"\xff")]);
        assert_eq!(mistakes, "");
        let (_, mistakes) = read_all(&[("SUPABACKUP_STORE", b"/backups/\xff")]);
        assert_eq!(mistakes, "SUPABACKUP_STORE: the value is not valid UTF-8");
    }

    #[test]
    fn an_unknown_variable_of_ours_is_a_mistake_and_supabases_are_not() {
        let (_, mistakes) =
            read_all(&[("SUPABACKUP_PARTSIZE", b"1"), ("SUPABASE_ANON_KEY", b"x"), ("SUPABACKUPS", b"x")]);
        assert_eq!(mistakes, "SUPABACKUP_PARTSIZE: there is no such variable; did you mean SUPABACKUP_PART_SIZE?");
        let (_, mistakes) = read_all(&[("SUPABACKUP_SECRET_KEY", b"1")]);
        assert_eq!(mistakes, "SUPABACKUP_SECRET_KEY: there is no such variable; did you mean SUPABASE_SECRET_KEY?");
        let (_, mistakes) = read_all(&[("SUPABACKUP_COLOUR_OF_THE_BIKE_SHED", b"1")]);
        assert_eq!(mistakes, "SUPABACKUP_COLOUR_OF_THE_BIKE_SHED: there is no such variable");
    }
}
