//! The release: the commit that binds the action to the image that was built.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{read, root};

/// Writes what it is asked to make, and answers with a hash made of the path's last word.
const GH: &str = r#"#!/usr/bin/env bash
[[ $1 == api && $3 == --input && $4 == - ]] || exit 9
jq -c --arg path "$2" '{path: $path, body: .}' >>"$ASKED"
[[ $* == *--silent* ]] || echo "hash-of-${2##*/}"
"#;

#[test]
fn the_commit_of_a_release_is_this_one_and_the_digest_of_its_image() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let gh = folder.path().join("gh");
    std::fs::write(&gh, GH)?;
    std::fs::set_permissions(&gh, std::fs::Permissions::from_mode(0o755))?;
    #[expect(clippy::disallowed_methods, reason = "the stand-in goes before everything else")]
    let path = std::env::var("PATH")?;
    let asked = folder.path().join("asked");
    let pin = |image: &str, version: &str| {
        Command::new(root().join(".github/scripts/pin"))
            .args([image, version])
            .current_dir(root())
            .env("PATH", format!("{}:{path}", folder.path().display()))
            .env("ASKED", &asked)
            .env("GITHUB_REPOSITORY", "acme/tool")
            .env("GITHUB_SHA", "hash-of-main")
            .output()
    };
    let image = format!("ghcr.io/supabackup/supabackup@sha256:{}", "0a".repeat(32));
    let output = pin(&image, "1.2.3")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ensure!(output.stdout == b"hash-of-commits\n", "{output:?}");
    let asked_for = std::fs::read_to_string(&asked)?;
    let asked_for: Vec<Value> = asked_for.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let [tree, commit, reference] = asked_for.as_slice() else { anyhow::bail!("{asked_for:#?}") };
    let bodies = [tree, commit, reference].map(|asked| &asked["body"]);
    ensure!(tree["path"] == "repos/acme/tool/git/trees" && bodies[0]["base_tree"] == "hash-of-main", "{tree}");
    // one line of one file is other than in this repository
    let written = bodies[0]["tree"][0]["content"].as_str().context("no content")?.to_owned();
    let ours = read("action.yml")?;
    let lines: Vec<_> = written.lines().zip(ours.lines()).filter(|(a, b)| a != b).collect();
    ensure!(lines == [(format!("  image: docker://{image}").as_str(), "  image: Dockerfile")], "{lines:?}");
    ensure!(written.lines().count() == ours.lines().count() && bodies[0]["tree"][0]["path"] == "action.yml");
    ensure!(bodies[1]["tree"] == "hash-of-trees" && bodies[1]["parents"] == serde_json::json!(["hash-of-main"]));
    ensure!(bodies[2]["ref"] == "refs/tags/v1.2.3" && bodies[2]["sha"] == "hash-of-commits", "{reference}");

    std::fs::remove_file(&asked)?;
    for (image, version) in
        [("ghcr.io/supabackup/supabackup:1.2.3", "1.2.3"), (image.as_str(), "v1.2.3"), (&image, "1.2")]
    {
        ensure!(pin(image, version)?.status.code() == Some(2), "{image} {version}");
    }
    ensure!(!asked.exists(), "something was asked of GitHub");
    Ok(())
}
