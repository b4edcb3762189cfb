//! The page as a file. Whoever reads it meanwhile sees the old one or the new one, and never a half.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::error::Failure;

/// Makes the file's directory. That it cannot be made is found out before anything is done.
pub(crate) fn prepare(file: &Path) -> Result<(), Failure> {
    let fails = |what: String| {
        Failure::usage(format!("the dashboard: {what}")).hint("name a file that this user may write with --dashboard")
    };
    if file.is_dir() {
        return Err(fails(format!("{} is a directory", file.display())));
    }
    match file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => {
            std::fs::create_dir_all(parent).map_err(|error| fails(format!("making {}: {error}", parent.display())))
        }
        None => Ok(()),
    }
}

/// Writes it beside the old one, and puts it in its place.
pub(crate) fn write(file: &Path, html: &str) -> io::Result<()> {
    let mut name = file.file_name().map_or_else(OsString::new, OsString::from);
    name.push(format!(".{}.new", std::process::id()));
    let new = file.with_file_name(name);
    let written = std::fs::write(&new, html).and_then(|()| std::fs::rename(&new, file));
    if written.is_err() {
        // it may not even be there
        let _ = std::fs::remove_file(&new);
    }
    written
}
