//! Writing to a bucket: whole, once where it must be once, in pieces where it is large.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Days, SecondsFormat, Utc};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Attribute, AttributeValue, Attributes, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::refusal::{is_unclear, told};
use super::url::Lock;
use super::{Inner, PROBE, build};
use crate::store::StoreError;

/// What is larger goes in pieces of this size (S3 takes none below 5 MiB): each fits its time limit,
/// and one that broke off is all that is sent again.
const PIECE: usize = 8 << 20;
const PIECES_AT_ONCE: usize = 3;
/// A locked file goes as one request, up to here: the headers belong to that request alone.
const LOCKED_WHOLE: usize = 128 << 20;
/// Whose write a file is, where the answer to it got lost.
const MARK: &str = "supabackupwrite";
/// So often a creation is tried whose outcome nobody told.
const CREATIONS: u32 = 4;

const IGNORES: &str = "this server overwrites a file although it was told not to, so two runs could destroy each other's \
     work; use a store with conditional writes, or add ?one-writer=yes to the URL if never more than one run writes there";

/// Writes to a bucket whose habits are known.
#[derive(Debug)]
pub(super) struct Writer {
    client: Arc<dyn ObjectStore>,
    /// Reads; where files are locked, without the headers that lock.
    reader: Arc<dyn ObjectStore>,
    /// What is larger goes in pieces.
    whole: usize,
    /// The server keeps the condition "only if there is none".
    conditional: bool,
    /// What it wrote it may delete.
    pub(super) deletes: bool,
    pause: Duration,
}

impl Writer {
    /// Creates a file twice: the second time must be refused.
    pub(super) async fn find_out(inner: &Inner) -> Result<Self, StoreError> {
        let doing = inner.doing("writing to", "");
        let client = inner.client(&doing)?;
        let path = inner.path(&format!("{PROBE}{}", random()?));
        let create = || client.put_opts(&path, PutPayload::from_static(b"supabackup was here\n"), once(None));
        let fail = |error: &object_store::Error| told(doing.clone(), error);
        let first = create().await;
        // an answer that got lost, and the same request sent again
        let first_is_there = matches!(first, Err(object_store::Error::AlreadyExists { .. }));
        let conditional = match first {
            Ok(_) => match create().await {
                Ok(_) => false,
                Err(object_store::Error::AlreadyExists { .. }) => true,
                Err(error) => return Err(fail(&error)),
            },
            Err(_) if first_is_there => true,
            // some say that they do not know the condition
            Err(object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }) => false,
            Err(error) if inner.url.one_writer && told(String::new(), &error).to_string().contains("501") => false,
            Err(error) => return Err(fail(&error)),
        };
        let written = match &inner.url.lock {
            Some(_) => Some(client.head(&path).await.map_err(|e| fail(&e))?.last_modified),
            None => None,
        };
        // who may only add leaves it: it is small, and lists pass over it
        let deletes = client.delete(&path).await.is_ok();
        if !conditional && !inner.url.one_writer {
            return Err(StoreError::Other { doing, reason: IGNORES.to_owned() });
        }
        let reader = Arc::clone(client);
        let whole = if inner.url.lock.is_some() { LOCKED_WHOLE } else { PIECE };
        let client = match (&inner.url.lock, written) {
            (Some(lock), Some(now)) => {
                let headers = lock_headers(lock, now).ok_or_else(|| StoreError::Other {
                    doing: doing.clone(),
                    reason: "the time until which to lock cannot be written as a date".to_owned(),
                })?;
                build::client(&inner.url, headers).map_err(|reason| StoreError::Other { doing, reason })?
            }
            _ => Arc::clone(client),
        };
        Ok(Self { client, reader, whole, conditional, deletes, pause: inner.url.access.first_delay })
    }

    /// Replaces what is there.
    pub(super) async fn put(&self, path: &Path, bytes: Bytes, doing: &str) -> Result<(), StoreError> {
        let done = if bytes.len() > self.whole {
            self.put_pieces(path, bytes).await
        } else {
            self.client.put(path, PutPayload::from_bytes(bytes)).await.map(drop)
        };
        done.map_err(|error| told(doing.to_owned(), &error))
    }

    /// The file appears when all pieces are there. Pieces of one that failed are taken back.
    async fn put_pieces(&self, path: &Path, bytes: Bytes) -> object_store::Result<()> {
        let mut upload = self.client.put_multipart(path).await?;
        let starts = (0..bytes.len()).step_by(PIECE);
        let pieces: Vec<_> = starts
            .map(|start| upload.put_part(PutPayload::from_bytes(bytes.slice(start..bytes.len().min(start + PIECE)))))
            .collect();
        let sent = stream::iter(pieces).buffer_unordered(PIECES_AT_ONCE).try_collect::<Vec<()>>().await;
        let done = match sent {
            Ok(_) => upload.complete().await.map(drop),
            Err(error) => Err(error),
        };
        if done.is_err() {
            // why it failed matters more than that pieces are left; buckets can expire these by themselves
            let _ = upload.abort().await;
        }
        done
    }

    /// Never replaces. Where an answer got lost, the file itself tells whose it is.
    pub(super) async fn create(&self, path: &Path, bytes: Bytes, doing: &str) -> Result<(), StoreError> {
        let exists = || StoreError::AlreadyExists { doing: doing.to_owned() };
        if !self.conditional {
            return match self.mark(path).await {
                Ok(Some(_)) => Err(exists()),
                Ok(None) => self.put(path, bytes, doing).await,
                Err(error) => Err(told(doing.to_owned(), &error)),
            };
        }
        let mark = random()?;
        let mut pause = self.pause;
        let mut last = exists();
        for _ in 0..CREATIONS {
            let payload = PutPayload::from_bytes(bytes.clone());
            match self.client.put_opts(path, payload, once(Some(&mark))).await {
                Ok(_) => return Ok(()),
                Err(error @ object_store::Error::AlreadyExists { .. }) => last = told(doing.to_owned(), &error),
                Err(error) if is_unclear(&error) => last = told(doing.to_owned(), &error),
                Err(error) => return Err(told(doing.to_owned(), &error)),
            }
            match self.mark(path).await {
                Ok(Some(found)) if found == mark => return Ok(()),
                Ok(Some(_)) => return Err(exists()),
                Ok(None) => {}
                Err(_) => return Err(last),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(30));
        }
        Err(last)
    }

    /// The mark of a file; empty if it has none, `None` if there is no file.
    async fn mark(&self, path: &Path) -> object_store::Result<Option<String>> {
        match self.reader.get_opts(path, GetOptions { head: true, ..GetOptions::default() }).await {
            Ok(found) => {
                let mark = found.attributes.get(&Attribute::Metadata(MARK.into()));
                Ok(Some(mark.map(|mark| mark.to_string()).unwrap_or_default()))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn once(mark: Option<&str>) -> PutOptions {
    let mark = mark.map(|mark| (Attribute::Metadata(MARK.into()), AttributeValue::from(mark.to_owned())));
    PutOptions { mode: PutMode::Create, attributes: Attributes::from_iter(mark), ..PutOptions::default() }
}

fn random() -> Result<String, StoreError> {
    let mut bytes = [0; 8];
    let doing = || "reading random bytes".to_owned();
    getrandom::fill(&mut bytes).map_err(|e| StoreError::Other { doing: doing(), reason: e.to_string() })?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}

/// By the server's clock, which is the one that it compares with.
fn lock_headers(lock: &Lock, now: DateTime<Utc>) -> Option<HeaderMap> {
    let until = now.checked_add_days(Days::new(lock.days.into()))?.to_rfc3339_opts(SecondsFormat::Secs, true);
    Some(HeaderMap::from_iter([
        (HeaderName::from_static("x-amz-object-lock-mode"), HeaderValue::from_static(lock.mode)),
        (HeaderName::from_static("x-amz-object-lock-retain-until-date"), HeaderValue::from_str(&until).ok()?),
        // S3 wants to be told that there is a checksum before it locks anything
        (HeaderName::from_static("x-amz-sdk-checksum-algorithm"), HeaderValue::from_static("SHA256")),
    ]))
}
