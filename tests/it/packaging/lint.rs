//! The linters that people trust have nothing to say. They are installed by the stack's script; one that is
//! missing fails the test.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, ensure};

use super::root;
use super::runner::{ready_workflows, workflows_in};

/// Where they are; installs them, once.
fn installed() -> Result<PathBuf> {
    static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| {
        match Command::new(root().join("tests/stack/stack")).args(["install", "lint"]).output() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    });
    installed.as_ref().map_err(|why| anyhow::anyhow!("installing linters: {why}"))?;
    #[expect(clippy::disallowed_methods, reason = "where the stack's script installs, as it finds it itself")]
    let cache = std::env::var_os("STACK_CACHE").map_or(root().join("target/stack"), PathBuf::from);
    Ok(cache.join("lint"))
}

/// Runs one of them in the repository; what it says.
fn lint(program: &str, arguments: &[&str]) -> Result<(bool, String)> {
    let parts = installed()?;
    #[expect(clippy::disallowed_methods, reason = "actionlint looks there for shellcheck")]
    let path = std::env::var("PATH")?;
    let output = Command::new(parts.join("bin").join(program))
        .args(arguments)
        .env("PYTHONPATH", &parts)
        .env("PATH", format!("{}:{path}", parts.join("bin").display()))
        .env_remove("GH_TOKEN")
        .env_remove("GITHUB_TOKEN")
        .current_dir(root())
        .output()?;
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Ok((output.status.success(), said))
}

fn nothing_to_say(program: &str, arguments: &[&str]) -> Result<()> {
    let (fine, said) = lint(program, arguments)?;
    ensure!(fine, "{program}:\n{said}");
    Ok(())
}

fn every_workflow() -> Result<Vec<String>> {
    let mut files = workflows_in(".github/workflows")?;
    files.extend(ready_workflows()?);
    Ok(files)
}

#[test]
fn actionlint_is_content_with_every_workflow() -> Result<()> {
    let files = every_workflow()?;
    let mut arguments = vec!["-no-color"];
    arguments.extend(files.iter().map(String::as_str));
    nothing_to_say("actionlint", &arguments)
}

#[test]
fn zizmor_is_content_with_every_workflow_and_the_action() -> Result<()> {
    let files = every_workflow()?;
    let mut arguments = vec!["--offline", "--no-progress", "--persona=pedantic", "--strict-collection", "action.yml"];
    arguments.extend(files.iter().map(String::as_str));
    nothing_to_say("zizmor", &arguments)
}

#[test]
fn hadolint_is_content_with_the_dockerfile() -> Result<()> {
    nothing_to_say("hadolint", &["--no-color", "Dockerfile"])
}

/// A linter that finds nothing in anything would make the tests above worthless.
#[test]
fn the_linters_see_what_is_planted() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let planted = |name: &str, text: &str| -> Result<String> {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    };
    let workflow = planted(
        "bad.yml",
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n      \
         - run: echo ${{ github.event.head_commit.message }} $x\n",
    )?;
    for (program, arguments, word) in
        [("actionlint", vec!["-no-color"], "SC2086"), ("zizmor", vec!["--offline", "--no-progress"], "unpinned-uses")]
    {
        let (fine, said) = lint(program, &arguments.into_iter().chain([workflow.as_str()]).collect::<Vec<_>>())?;
        ensure!(!fine && said.contains(word), "{program}:\n{said}");
    }
    let (fine, said) = lint("hadolint", &[&planted("Dockerfile", "FROM debian\nUSER root\n")?])?;
    ensure!(!fine && said.contains("DL3002"), "{said}");
    Ok(())
}
