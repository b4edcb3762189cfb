//! A plain snapshot stays out of a repository that everybody can read.

use crate::config::Config;
use crate::error::Failure;
use crate::github::Github;
use crate::model::{Audience, may_lie_there};
use crate::store::{Several, StoreError, StoreUrl};

/// The flag that lets it in all the same.
const FLAG: &str = "--allow-plaintext-in-public-repository";

/// Why a plain snapshot may not lie in a store.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// A sentence: what, where, why, and what to do.
    pub(crate) reason: String,
    /// Whether it is known that everybody can read it, as opposed to not known who can.
    pub(crate) is_public: bool,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::usage(refusal.reason).hint(format!("{FLAG} puts it there, for whoever may read it"))
    }
}

/// Asks who can read a store; `None`: a plain snapshot may lie there. Nothing is asked of stores that are no
/// repositories, nor where the user has said that it does not matter.
pub(crate) async fn refusal(url: &StoreUrl, config: &Config) -> Option<Refusal> {
    let StoreUrl::Github(url) = url else { return None };
    if config.allow_plaintext {
        return None;
    }
    let asked = match url.settings.as_ref().map(Github::new) {
        Some(Ok(github)) => github.audience(&url.repository).await.map_err(|error| error.to_string()),
        Some(Err(reason)) => Err(reason),
        None => Err("nobody said where GitHub is".to_owned()),
    };
    let (audience, more) = match asked {
        Ok(audience) => (audience, String::new()),
        Err(reason) => (Audience::Unknown, format!(" ({reason})")),
    };
    let refused = may_lie_there(None, audience, &format!("the repository {}", url.repository)).err()?;
    let reason = format!("{url}: {refused}{more}");
    Some(Refusal { reason, is_public: audience == Audience::Public })
}

/// Before anything is read from the project: whether a backup may go to the stores. One that everybody can read
/// ends the run; one of which that is not known is given up, and the others go on.
pub(crate) async fn keep_out(stores: &Several, config: &Config) -> Result<(), Failure> {
    if config.sealing().is_some() {
        return Ok(());
    }
    for (place, url) in config.stores.iter().enumerate() {
        let Some(refused) = refusal(url, config).await else { continue };
        if refused.is_public || config.stores.len() == 1 {
            return Err(refused.into());
        }
        let error =
            StoreError::Denied { doing: "putting a plain snapshot there".to_owned(), reason: refused.reason.clone() };
        if stores.give_up(place, error).is_err() {
            return Err(refused.into());
        }
    }
    Ok(())
}

/// What a snapshot that is not sealed is told when it is to go to `url`.
pub(crate) async fn check_plain(url: &StoreUrl, config: &Config) -> Result<(), Failure> {
    refusal(url, config).await.map_or(Ok(()), |refused| Err(refused.into()))
}
