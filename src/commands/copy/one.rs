//! One snapshot into one store: byte by byte, or made anew.

use std::sync::Arc;

use crate::clock::Clock;
use crate::commands::books::BOOKS;
use crate::config::Config;
use crate::error::Failure;
use crate::model::{CopiedSnapshot, CopyReport, Depth, Manifest, Severity};
use crate::snapshot::{
    self, Copied, CopyError, MANIFEST, Rewrite, SnapshotKeys, carry_pin, copy_snapshot, method_of, seal_of,
    there_already,
};
use crate::store::{Store, StoreError};

/// Whether a copy is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anew {
    /// It is the same byte by byte.
    No,
    /// It is sealed to those who are configured.
    Sealed,
    /// It is not sealed.
    Plain,
}

/// One snapshot, and where it goes.
pub(super) struct One<'a> {
    pub(super) from: &'a dyn Store,
    pub(super) to: &'a dyn Store,
    pub(super) keys: &'a SnapshotKeys,
    pub(super) anew: Anew,
    pub(super) config: &'a Config,
    pub(super) clock: &'a Clock,
}

impl One<'_> {
    /// Copies it, and says so.
    pub(super) async fn copy(&self, report: &mut CopyReport) -> Result<(), CopyError> {
        if self.anew != Anew::No {
            return self.make(report).await;
        }
        match copy_snapshot(self.from, self.to, self.keys).await? {
            Copied::There(id) => report.there.push(id),
            Copied::Now { sent, kept, bytes } => report.copied.push(self.copied(sent, kept, bytes)),
        }
        Ok(())
    }

    fn copied(&self, files: u64, kept: u64, bytes: u64) -> CopiedSnapshot {
        CopiedSnapshot {
            project: self.keys.project().to_owned(),
            id: self.keys.id().clone(),
            files,
            kept,
            bytes,
            anew: self.anew != Anew::No,
        }
    }

    /// Makes it anew, reads every row of it back, and pins it if the one that it is made from is pinned.
    async fn make(&self, report: &mut CopyReport) -> Result<(), CopyError> {
        let sealing = match self.anew {
            Anew::Sealed => self.config.sealing().map(Arc::new),
            Anew::No | Anew::Plain => None,
        };
        // what the manifest of the copy would say of who opens it
        let mut expected = self.original().await?;
        expected.sealed = sealing.as_deref().map(|sealing| seal_of(sealing, method_of(&expected)));
        if let Some(id) = there_already(self.to, self.keys, &expected, None).await? {
            report.there.push(id);
            return Ok(());
        }
        let opens = sealing.as_ref().map(|sealing| sealing.own()).unwrap_or_default();
        let rewrite = Rewrite {
            from: self.from,
            source: self.keys,
            identities: &self.config.identities,
            to: self.to,
            target: self.keys,
            sealing,
            level: None,
            books: BOOKS,
        };
        let made = rewrite.run().await?;
        let verified = snapshot::verify(self.to, self.keys, Depth::Opened, &opens).await;
        let mut verified = verified.map_err(CopyError::Different)?;
        snapshot::record(self.to, &mut verified, self.clock.now()).await;
        carry_pin(self.from, self.keys, self.to, self.keys).await?;
        report.copied.push(self.copied(made.files, 0, made.bytes));
        let errors = verified.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
        report.findings.extend(errors.map(|finding| finding.hint("remove the copy's folder, and copy again")));
        Ok(())
    }

    async fn original(&self) -> Result<Manifest, CopyError> {
        let key = self.keys.at(MANIFEST).map_err(CopyError::Source)?;
        let bytes = self.from.get(&key).await.map_err(CopyError::Source)?;
        Manifest::parse(&bytes).map_err(|error| {
            CopyError::Damaged(Failure::failed(format!("copying snapshot {}: {error}", self.keys.id())))
        })
    }
}

/// Whether a store does not answer, as opposed to refusing.
pub(super) fn is_away(error: &StoreError) -> bool {
    matches!(error, StoreError::Unreachable { .. } | StoreError::Credentials { .. } | StoreError::Full { .. })
}
