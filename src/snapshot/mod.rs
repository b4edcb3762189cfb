//! The life of a snapshot: parts are written, then the other files, then `SHA256SUMS`, and last of
//! all the manifest. From that moment the snapshot exists; nothing of it is ever changed. Records of
//! verifications come to stand beside it, under `verified/`, and a pin may. A folder without a
//! manifest is what a run that died left behind. When a snapshot is removed, the manifest goes first.
//! Beside the snapshots of a project stands the lease of the run that is at work.
//!
//! Knows the formats, the sealing and `dyn Store`; never the project that the rows came from.

mod advice;
mod closing;
mod files;
mod head;
mod keys;
mod layout;
mod lease;
mod ledger;
mod list;
mod opened;
mod pin;
mod reader;
mod recent;
mod remove;
mod rewrite;
mod room;
mod rows;
mod stored;
mod structure;
mod transfer;
mod trial;
mod unlock;
mod verify;
pub mod writer;

pub use closing::{Books, Closing, lost};
pub use files::{method_of, people_of, seal_of, sealing_like, store_identity, store_text, stored_name};
pub use keys::SnapshotKeys;
pub use layout::{
    BEGUN, CATALOG, CHECKSUMS, IDENTITY, MANIFEST, ON_PURPOSE, PIN, PRUNED, RECOVERY, REPORT_HTML, REPORT_MD, RESTORED,
    RUN, SCHEMA_AFTER, SCHEMA_BEFORE, SEQUENCES, TRIAL, VERIFIED, WHOLE_MANIFEST, WHOLE_RECOVERY, checksums,
    stored_file,
};
pub use lease::{Claim, Holder, Lease, Renewal, claim};
pub use list::{find, ids, list_snapshots, look, projects};
pub use pin::{pin, unpin};
pub use reader::{PartRows, Reader};
pub use recent::{Onlooker, newest_complete, recent};
pub use remove::{Removal, remove_snapshot, remove_unfinished};
pub use rewrite::{Rewrite, Rewritten, try_dense};
pub use structure::{Scripts, store_structure};
pub use transfer::{Copied, CopyError, carry_pin, copy_snapshot, mark, there_already, unmark};
pub use trial::{carry_restored, read_trial, write_trial};
pub use unlock::whole_manifest;
pub use verify::{leave, record, verify};
