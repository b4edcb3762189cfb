//! How the project is: as the Management API tells where there is a token, else as the Data API answers.

use super::live::DataApi;
use super::observe::Watched;
use crate::commands::connect;
use crate::config::Config;
use crate::model::{Health, Seen, Unseen};
use crate::supabase::{HealthError, project_health};

pub(super) async fn health(watched: &Watched<'_>, config: &Config, data_api: &DataApi) -> Seen<Health> {
    let told = match (&config.access_token, &config.management_ref) {
        (Some(token), Some(reference)) if config.project_name.as_deref() == Some(watched.name.as_str()) => {
            let http = connect::curious_http(config).map_err(super::observe::unseen)?;
            Some(project_health(&http, &config.management_url, reference, token).await)
        }
        _ => None,
    };
    let awake = |refused| Health { paused: false, status: None, services: Vec::new(), refused };
    let seen = match data_api {
        DataApi::Paused => return Ok(Health { paused: true, ..awake(None) }),
        DataApi::Answers => Some(awake(None)),
        DataApi::Refuses(why) => Some(awake(Some(why.reason.clone()))),
        DataApi::NotAsked => None,
    };
    match (told, seen) {
        (Some(Ok(health)), seen) => Ok(Health { refused: seen.and_then(|seen| seen.refused), ..health }),
        // a token made for SQL alone may not ask: what the Data API shows has to do
        (Some(Err(HealthError::NotPermitted(_))) | None, Some(seen)) => Ok(seen),
        (Some(Err(_)), Some(seen)) if seen.refused.is_some() => Ok(seen),
        (Some(Err(error)), _) => Err(Unseen::failed(error.to_string())),
        (None, None) => match &watched.project {
            Err(why) => Err(why.clone()),
            Ok(_) => Err(Unseen::not_given("the project was not asked")),
        },
    }
}
