//! Programs from the registries that tests run beside the binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// For `bash -c`: runs its arguments until standard input ends, so that nothing outlives the tests.
pub(crate) const KEEPER: &str = r#""$@" & server=$!; cat >/dev/null; kill "$server"; wait "$server""#;

/// Installs these parts with the project's own script, once; the directory that holds them.
pub(crate) fn install(parts: &[&str]) -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = Command::new(root.join("tests/stack/stack")).arg("install").args(parts).output();
    let installed = installed.context("running the stack script")?;
    ensure!(installed.status.success(), "installing {parts:?}: {}", String::from_utf8_lossy(&installed.stderr));
    #[expect(clippy::disallowed_methods, reason = "where the stack's script installs, as it finds it itself")]
    let cache = std::env::var_os("STACK_CACHE").map_or(root.join("target/stack"), PathBuf::from);
    Ok(cache)
}
