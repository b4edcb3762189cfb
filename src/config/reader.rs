//! The sources in their order, and each setting's text made into its type.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;

use crate::config::file;
use crate::config::key::{ApiKey, KeyKind, usable_as_header};
use crate::config::project::{Address, ProjectConfig, address, check_ref, is_hosted_ref};
use crate::config::settings::{Kind, SETTINGS, Unset, setting};
use crate::config::sources::{Flags, Given, Layer, Mistakes, Origin, Raw, did_you_mean};
use crate::config::values::{self, show_duration, show_size};
use crate::config::{Config, Need, Paging, Progress, SqlChoice, TableFilter, environment};
use crate::error::Failure;
use crate::model::Artifact;
use crate::seal::Method;
use crate::store::StoreUrl;

pub(crate) const NO_ADDRESS: &str =
    "SUPABASE_URL: is not set; give the project's URL (like https://abcdefghijklmnopqrst.supabase.co)";
pub(crate) const NO_KEY: &str = "SUPABASE_SECRET_KEY: is not set; give the project's secret key (sb_secret_…) \
                                 or, as SUPABASE_SERVICE_ROLE_KEY, its legacy service_role key";

pub(crate) fn load(
    need: Need,
    flags: &Flags,
    vars: impl IntoIterator<Item = (OsString, OsString)>,
    directory: &Path,
) -> Result<Config, Failure> {
    let mut mistakes = Mistakes::default();
    let flags = typed(flags);
    let environment = environment::read(vars, &mut mistakes);
    let named = flags.get("config").or_else(|| environment.get("config"));
    let named = named.and_then(|given| match &given.value {
        Raw::Text(path) => Some((&given.origin, path.as_str())),
        _ => None,
    });
    let file = file::read(named, directory, &mut mistakes);
    let mut read = Reader { own: Layer::new(), layers: [flags, environment, file.settings], mistakes };

    let Found { project, name: project_name, management_ref } = read.project(need);
    let include = read.list("include");
    let exclude = read.list("exclude");
    let quiet = read.switch("quiet");
    let stores = read.stores();
    let (copy_to, replicate_to) = (read.places("copy_to"), read.places("replicate_to"));
    let (recipients, identities) = read.keys(directory);
    let seal_manifest = read.seal_manifest(&recipients);
    let retention = read.retention();
    let limits = read.limits(file.tables, &retention);
    let config = Config {
        project,
        project_name,
        access_token: read.access_token(),
        management_url: read.management_url(),
        management_ref,
        sql: read.sql(need),
        only_granted: read.switch("only_granted"),
        store: stores.first().cloned().unwrap_or(StoreUrl::Directory("backups".into())),
        stores,
        copy_to,
        replicate_to,
        allow_plaintext: read.switch("allow_plaintext_in_public_repository"),
        recompress: read.recompress(),
        recipients,
        seal_manifest,
        identities,
        schemas: read.list("schemas"),
        filter: TableFilter::new(&include, &exclude),
        include,
        exclude,
        artifacts: read.artifacts(),
        connections: read.number("connections"),
        compression: match read.word("compression").as_str() {
            "gzip" => Method::Gzip,
            _ => Method::Zstd,
        },
        compression_level: read.number("compression_level"),
        part_size: read.number("part_size"),
        page_size: read.number("page_size"),
        paging: match read.word("paging").as_str() {
            "ctid" => Paging::Ctid,
            "keyset" => Paging::Keyset,
            _ => Paging::Auto,
        },
        passes: read.number("passes"),
        request_timeout: read.duration("request_timeout"),
        retries: read.number("retries"),
        retry_delay: read.duration("retry_delay"),
        progress: match read.word("progress").as_str() {
            _ if quiet => Progress::None,
            "bars" => Progress::Bars,
            "lines" => Progress::Lines,
            "none" => Progress::None,
            _ => Progress::Auto,
        },
        quiet,
        annotations: read.switch("annotations"),
        job_summary: read.switch("job_summary"),
        retention,
        limits,
        workflow: read.workflow(),
        github: read.github(),
        wait: read.duration("wait"),
        heartbeat_url: read.heartbeat_url(),
        heartbeat: read.heartbeat(),
        channels: read.channels(),
        issues: read.issues(),
        report_dir: read.path("report_dir", directory),
        dashboard: read.path("dashboard", directory),
        dashboard_history: read.dashboard_history(),
        restore_into: read.restore_into(),
        clock: read.clock(),
    };
    read.mistakes.into_result()?;
    Ok(config)
}

/// The flags as a source. A list's flag may be repeated, and each of them may hold commas.
fn typed(flags: &Flags) -> Layer {
    let given = SETTINGS.iter().filter_map(|setting| {
        let origin = Origin::Flag(setting.flag?);
        let value = match (setting.kind, flags.get(setting.name)) {
            (_, []) => return None,
            (Kind::List | Kind::AnyOf(_), several) => {
                Raw::Entries(several.iter().flat_map(|v| values::list(v)).collect())
            }
            (Kind::Places, several) => Raw::Entries(several.to_vec()),
            (_, [.., last]) => Raw::Text(last.clone()),
        };
        Some((setting.name, Given { origin, value }))
    });
    given.collect()
}

/// What is known about the project.
struct Found {
    project: Option<ProjectConfig>,
    name: Option<String>,
    management_ref: Option<String>,
}

/// Takes values out of the sources. What is wrong is noted, and some value of the right type given
/// back, so that the rest is checked too.
pub(super) struct Reader {
    /// What a table has for itself, while its limits are read; it goes before everything else.
    pub(super) own: Layer,
    layers: [Layer; 3],
    pub(super) mistakes: Mistakes,
}

impl Reader {
    /// What the first source that knows it says, or the default as written in the table.
    pub(super) fn given(&self, name: &str) -> Option<Given> {
        let found = self.own.get(name).or_else(|| self.layers.iter().find_map(|layer| layer.get(name))).cloned();
        found.or_else(|| match setting(name).default {
            Unset::Value(text) => {
                Some(Given { origin: Origin::Default(setting(name).name), value: Raw::Text(text.to_owned()) })
            }
            Unset::Described(_) | Unset::Nothing => None,
        })
    }

    pub(super) fn text_as<T>(&mut self, name: &str, check: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let given = self.given(name)?;
        let checked = match &given.value {
            Raw::Text(text) => check(text),
            Raw::Entries(_) | Raw::Secret(_) => Err("must be one value, not a list".to_owned()),
        };
        checked.map_err(|mistake| self.mistakes.at(&given.origin, mistake)).ok()
    }

    pub(super) fn list(&mut self, name: &str) -> Vec<String> {
        match self.given(name).map(|given| given.value) {
            Some(Raw::Entries(entries)) => entries,
            Some(Raw::Text(text)) => values::list(&text),
            Some(Raw::Secret(_)) | None => Vec::new(),
        }
    }

    pub(super) fn switch(&mut self, name: &str) -> bool {
        self.text_as(name, values::boolean).unwrap_or_default()
    }

    pub(super) fn number<T: TryFrom<i64> + Default>(&mut self, name: &str) -> T {
        self.given_number(name).unwrap_or_default()
    }

    /// A count or a size within its range.
    pub(super) fn given_number<T: TryFrom<i64>>(&mut self, name: &str) -> Option<T> {
        self.text_as(name, |text| {
            let (number, least, most, show): (i64, i64, i64, fn(i64) -> String) = match setting(name).kind {
                Kind::Size(least, most) => {
                    let bytes = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
                    let show = |bytes: i64| show_size(bytes.unsigned_abs());
                    (bytes(values::size(text)?), bytes(least), bytes(most), show)
                }
                Kind::Count(least, most) => (values::count(text)?, least, most, |number| number.to_string()),
                _ => (values::count(text)?, i64::MIN, i64::MAX, |number| number.to_string()),
            };
            if !(least..=most).contains(&number) {
                return Err(format!("{text} is not between {} and {}", show(least), show(most)));
            }
            T::try_from(number).map_err(|_| format!("{text} is too large for this machine"))
        })
    }

    pub(super) fn duration(&mut self, name: &str) -> Duration {
        self.given_duration(name).unwrap_or_default()
    }

    pub(super) fn given_duration(&mut self, name: &str) -> Option<Duration> {
        self.text_as(name, |text| {
            let duration = values::duration(text)?;
            match setting(name).kind {
                Kind::Duration(least, most) if !(least..=most).contains(&duration) => {
                    Err(format!("{text} is not between {} and {}", show_duration(least), show_duration(most)))
                }
                _ => Ok(duration),
            }
        })
    }

    pub(super) fn word(&mut self, name: &str) -> String {
        let word = self.text_as(name, |text| match setting(name).kind {
            Kind::OneOf(known) => one_of(text, known),
            _ => Ok(text.to_owned()),
        });
        word.unwrap_or_default()
    }

    fn artifacts(&mut self) -> Vec<Artifact> {
        let Some(given) = self.given("artifacts") else { return Vec::new() };
        let words = self.list("artifacts");
        if words.is_empty() {
            self.mistakes.at(&given.origin, "names nothing; give sql, json, or both");
        }
        let known = if let Kind::AnyOf(known) = setting("artifacts").kind { known } else { &[] };
        let mut artifacts = Vec::new();
        for word in words {
            match one_of(&word, known).as_deref() {
                Ok("sql") => artifacts.push(Artifact::Sql),
                Ok(_) => artifacts.push(Artifact::Json),
                Err(mistake) => self.mistakes.at(&given.origin, mistake),
            }
        }
        artifacts.sort();
        artifacts.dedup();
        artifacts
    }

    pub(super) fn secret(&self, name: &str) -> Option<(Origin, SecretString)> {
        match self.given(name)? {
            Given { origin, value: Raw::Secret(secret) } => Some((origin, secret)),
            _ => None,
        }
    }

    fn access_token(&mut self) -> Option<SecretString> {
        let (origin, secret) = self.secret("access_token")?;
        let kind = ApiKey::new(secret.clone()).map(|key| key.kind().clone());
        match (usable_as_header(&secret), kind) {
            (Err(mistake), _) => self.mistakes.at(&origin, mistake),
            (Ok(()), Ok(kind @ (KeyKind::Secret | KeyKind::Publishable))) => {
                self.mistakes.at(&origin, format!("holds a project's {kind}, which belongs in SUPABASE_SECRET_KEY"));
            }
            (Ok(()), _) => {}
        }
        Some(secret)
    }

    fn management_url(&mut self) -> String {
        let allow_http = self.switch("allow_http");
        self.text_as("management_url", |text| address(text, allow_http)).map(|found| found.url).unwrap_or_default()
    }

    fn sql(&mut self, need: Need) -> SqlChoice {
        match self.word("sql").as_str() {
            "management" => {
                if let (Need::Project, None, Some(Given { origin, .. })) =
                    (need, self.secret("access_token"), self.given("sql"))
                {
                    self.mistakes.at(&origin, "management needs a token: set SUPABASE_ACCESS_TOKEN");
                }
                SqlChoice::Management
            }
            "meta" => SqlChoice::Meta,
            "helper" => SqlChoice::Helper,
            "none" => SqlChoice::None,
            _ => SqlChoice::Auto,
        }
    }

    /// The project if address and key are there, and its name even without the key.
    fn project(&mut self, need: Need) -> Found {
        let mistakes_before = self.mistakes.len();
        let allow_http = self.switch("allow_http");
        let given_ref = self.text_as("project_ref", |text| check_ref(text).map(|()| text.to_owned()));
        let address = self.address(given_ref.as_deref(), allow_http);
        if need == Need::Project && address.is_none() && self.mistakes.len() == mistakes_before {
            self.mistakes.add(NO_ADDRESS);
        }
        let key = match self.secret("secret_key") {
            Some((origin, secret)) => ApiKey::new(secret).map_err(|mistake| self.mistakes.at(&origin, mistake)).ok(),
            None if need == Need::Project => {
                self.mistakes.add(NO_KEY);
                None
            }
            None => None,
        };
        let known = address.as_ref().map(|address| address.hosted_ref.clone().unwrap_or_else(|| address.name.clone()));
        let hosted = address.as_ref().and_then(|address| {
            let given = given_ref.clone().filter(|text| is_hosted_ref(text) && !address.is_private);
            address.hosted_ref.clone().or(given)
        });
        let name = given_ref.or(known);
        let elsewhere = self.given("management_url").is_some_and(|given| !matches!(given.origin, Origin::Default(_)));
        let management_ref = if elsewhere { name.clone() } else { hosted };
        let project = match (address, name.clone(), key) {
            (Some(Address { url, .. }), Some(name), Some(key)) => Some(ProjectConfig { url, name, key }),
            _ => None,
        };
        Found { project, name, management_ref }
    }

    /// The address as given, or a hosted project's from its ref. Both at once must agree.
    fn address(&mut self, given_ref: Option<&str>, allow_http: bool) -> Option<Address> {
        let Some(Given { origin, .. }) = self.given("url") else {
            let known = given_ref.filter(|text| is_hosted_ref(text));
            return address(&format!("https://{}.supabase.co", known?), allow_http).ok();
        };
        let address = self.text_as("url", |text| address(text, allow_http))?;
        if let (Some(hosted), Some(given)) = (&address.hosted_ref, given_ref)
            && hosted != given
        {
            self.mistakes.at(&origin, format!("belongs to the project {hosted}, and the project ref given is {given}"));
        }
        Some(address)
    }
}

fn one_of(text: &str, known: &[&str]) -> Result<String, String> {
    let word = text.to_ascii_lowercase();
    if known.contains(&word.as_str()) {
        return Ok(word);
    }
    Err(format!("{text:?} is none of {}{}", known.join(", "), did_you_mean(&word, known.iter().copied())))
}
