//! The ready workflows, run step by step on the local Supabase: what a user copies is what is tried here.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use anyhow::{Context, Result, ensure};

use super::runner::{Job, Runner, Step, assignments};
use super::{read, yaml};
use crate::store::servers::Server;
use crate::support::run::snapshots;
use crate::support::{Run, Stack};

const ACTION: &str = "supabackup/supabackup@";

/// Names and values.
type Pairs<'a, const N: usize> = [(&'a str, &'a str); N];

/// What every ready workflow wants of a repository, for this stack and this store.
fn repository<'a>(stack: &'a Stack, store: &'a str) -> (Pairs<'a, 3>, Pairs<'a, 2>) {
    let vars = [
        ("SUPABASE_URL", stack.get("SUPABASE_URL")),
        ("SUPABASE_PROJECT_REF", stack.get("SUPABASE_PROJECT_REF")),
        ("SUPABACKUP_STORE", store),
    ];
    (vars, [("SUPABASE_SECRET_KEY", stack.get("SUPABASE_SECRET_KEY")), ("AWS_SECRET_ACCESS_KEY", "")])
}

/// The only job of a workflow, which must have ended like this.
fn only(mut jobs: Vec<Job>, succeeded: bool) -> Result<Job> {
    ensure!(jobs.len() == 1, "{jobs:?}");
    let job = jobs.remove(0);
    ensure!(job.succeeded == succeeded, "{job:?}");
    Ok(job)
}

/// What a step says and hands on is free of these, and declared in `action.yml`.
fn is_clean(step: &Step, secrets: &[&str]) -> Result<()> {
    let said = format!("{}{}{}{:?}", step.ran.stdout, step.ran.stderr, step.summary, step.outputs);
    for secret in secrets.iter().filter(|secret| secret.len() > 8) {
        // to mask a value it has to be said once, to the runner alone
        let told = said.lines().find(|line| line.contains(*secret) && !line.starts_with("::add-mask::"));
        ensure!(told.is_none(), "{}: a secret in {told:?}", step.name);
    }
    let declared = yaml("action.yml")?["outputs"].clone();
    for output in step.outputs.keys() {
        ensure!(declared.get(output).is_some(), "the output {output} is not declared in action.yml");
    }
    Ok(())
}

#[test]
fn the_backup_workflow_fills_a_bucket_and_the_monitor_looks_into_it() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let server = crate::store::servers::shared()?;
    let store = format!("s3://{}/shop?endpoint={}&region=us-east-1", server.bucket()?, server.endpoint());
    let (vars, _) = repository(&stack, &store);
    let secrets = [
        ("SUPABASE_SECRET_KEY", stack.get("SUPABASE_SECRET_KEY")),
        ("AWS_ACCESS_KEY_ID", server.key.id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", server.key.secret.as_str()),
    ];
    let hidden = [secrets[0].1, secrets[2].1];
    let mut runner = Runner::new(&vars, &secrets, &[])?;
    let job = only(runner.workflow("docs/workflows/backup.yml")?, true)?;
    let step = job.step("Back up")?;
    is_clean(step, &hidden)?;
    ensure!(std::fs::read_dir(runner.workspace())?.next().is_none(), "something was left in the workspace");

    let listed = Run::new(&["list", "--json"])
        .env("SUPABACKUP_STORE", &store)
        .env("AWS_ACCESS_KEY_ID", &server.key.id)
        .env("AWS_SECRET_ACCESS_KEY", &server.key.secret)
        .expect(0)?;
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout)?;
    ensure!(listed.as_array().map(Vec::len) == Some(1) && listed[0]["state"] == "complete", "{listed:#}");

    let job = only(runner.workflow("docs/workflows/monitor.yml")?, true)?;
    let step = job.step("Look")?;
    is_clean(step, &hidden)?;
    ensure!(step.ran.stdout.contains("public.voice_sessions"), "{step:?}");
    Ok(())
}

/// The first workflow that anybody sees, with this machine's project and bucket in place of those it names.
#[test]
fn the_lines_in_the_readme_are_enough() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let server = crate::store::servers::shared()?;
    let bucket = server.bucket()?;
    let readme = read("README.md")?;
    let shown = readme.split_once("```yaml\n").and_then(|(_, rest)| rest.split_once("```")).context("no workflow")?.0;
    ensure!(shown.lines().count() < 16, "too long for a first one");
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("workflow.yml");
    std::fs::write(&file, shown)?;
    let secrets = [
        ("SUPABASE_SECRET_KEY", stack.get("SUPABASE_SECRET_KEY")),
        ("AWS_ACCESS_KEY_ID", server.key.id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", server.key.secret.as_str()),
    ];
    let mut runner = Runner::new(&[], &secrets, &[])?
        .here("https://abcdefghijklmnopqrst.supabase.co", stack.get("SUPABASE_URL"))
        .here("s3://bucket/folder", &format!("s3://{bucket}/folder?endpoint={}", server.endpoint()));
    only(runner.workflow(&file.to_string_lossy())?, true)?;
    ensure!(server.s3("GET", &format!("/{bucket}"))?.contains("manifest.json"), "no snapshot in the bucket");
    Ok(())
}

/// Says who the job is, once for each request, as GitHub's server for identities does.
fn identities() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}/token?api-version=2", listener.local_addr()?);
    std::thread::spawn(move || -> Result<()> {
        for stream in listener.incoming() {
            let (mut stream, mut asked) = (stream?, [0; 4096]);
            let length = stream.read(&mut asked)?;
            let asked = String::from_utf8_lossy(&asked[..length]).to_lowercase();
            let known = asked.contains("authorization: bearer the-token-of-the-request") && asked.contains("audience=");
            let body = if known { r#"{"value":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.x"}"# } else { "no" };
            let status = if known { "200 OK" } else { "403 Forbidden" };
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
        }
        Ok(())
    });
    Ok(address)
}

#[test]
fn the_workflow_for_s3_needs_no_key_but_the_identity_of_the_job() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let server = Server::moto(false)?;
    let store = format!("s3://{}/shop?endpoint={}", server.bucket()?, server.endpoint());
    let (vars, secrets) = repository(&stack, &store);
    let role = [("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/backup"), ("AWS_REGION", "us-east-1")];
    let vars: Vec<_> = vars.into_iter().chain(role).collect();
    let mut runner = Runner::new(&vars, &secrets, &[])?
        .variable("AWS_ENDPOINT_URL_STS", &server.endpoint())
        .variable("ACTIONS_ID_TOKEN_REQUEST_URL", &identities()?)
        .variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "the-token-of-the-request");
    let job = only(runner.workflow("docs/workflows/s3-oidc.yml")?, true)?;
    is_clean(job.step("Back up")?, &[secrets[0].1, "the-token-of-the-request", "eyJzdWIiOiJtZSJ9"])?;
    // the job asked for the right to have an identity, and for no other
    let permissions = &yaml("docs/workflows/s3-oidc.yml")?["jobs"]["backup"]["permissions"];
    ensure!(*permissions == serde_json::json!({"id-token": "write"}), "{permissions}");
    Ok(())
}

#[test]
fn the_restore_workflow_writes_only_what_was_confirmed() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let folder = tempfile::tempdir()?;
    Run::new(&["run"]).on(&stack).store(folder.path()).expect(0)?;
    stack.sql("DELETE FROM public.manual_assessments WHERE ctid < '(2,0)'")?;
    let count =
        || Ok::<_, anyhow::Error>(stack.sql("SELECT count(*) FROM public.manual_assessments")?.trim().to_owned());
    let left = count()?;
    ensure!(left != "782", "nothing was deleted");

    let store = folder.path().to_string_lossy();
    let (vars, secrets) = repository(&stack, &store);
    let project = stack.get("SUPABASE_PROJECT_REF");
    let typed = |snapshot, table, confirm| {
        let inputs = [("snapshot", snapshot), ("mode", "insert-missing"), ("table", table), ("confirm", confirm)];
        Runner::new(&vars, &secrets, &inputs)?.workflow("docs/workflows/restore.yml")
    };
    for (snapshot, table, confirm) in [
        ("latest", "", "another-project"),
        ("latest", "", ""),
        ("latest\n--confirm=x", "", project),
        ("latest", "public.profiles\n--mode=clear", project),
    ] {
        let job = only(typed(snapshot, table, confirm)?, false)?;
        ensure!(
            job.steps.len() == 1 && job.steps[0].ran.stdout.contains("::error title=Nothing was restored::"),
            "{job:?}"
        );
    }
    ensure!(count()? == left, "something was written");

    let jobs = typed("latest", "public.manual_assessments", project)?;
    ensure!(jobs.len() == 2 && jobs.iter().all(|job| job.succeeded), "{jobs:?}");
    ensure!(jobs[0].name == "plan" && jobs[1].name == "restore", "{jobs:?}");
    for job in &jobs {
        is_clean(job.step(if job.name == "plan" { "Compare" } else { "Restore" })?, &[secrets[0].1])?;
    }
    ensure!(count()? == "782", "{}", count()?);
    Ok(())
}

/// The action on a workflow of a few lines.
fn action(stack: &Stack, store: &str, job: &str) -> Result<Job> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("workflow.yml");
    std::fs::write(&file, format!("jobs:\n  it:\n{job}"))?;
    let (vars, secrets) = repository(stack, store);
    let jobs = Runner::new(&vars, &secrets, &[])?.workflow(&file.to_string_lossy())?;
    jobs.into_iter().next().context("no job")
}

#[test]
fn inputs_reach_the_program_and_what_is_not_given_stays_unset() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let folder = tempfile::tempdir()?;
    let store = folder.path().to_string_lossy().into_owned();
    let uses = format!("      - uses: {ACTION}0 # v0\n");
    let project = "          url: ${{ vars.SUPABASE_URL }}\n          secret-key: ${{ secrets.SUPABASE_SECRET_KEY }}\n";

    // `env:` of the job reaches the program too, and an input that nobody gives does not hide it
    let env = "    env:\n      SUPABACKUP_STORE: ${{ vars.SUPABACKUP_STORE }}\n      SUPABACKUP_EXCLUDE: voice_*\n";
    let job =
        action(&stack, &store, &format!("{env}    steps:\n{uses}        with:\n          command: backup\n{project}"))?;
    ensure!(job.succeeded, "{job:?}");
    let [snapshot] = snapshots(folder.path())?.try_into().map_err(|found| anyhow::anyhow!("{found:?}"))?;
    let manifest = std::fs::read_to_string(snapshot.join("manifest.json"))?;
    ensure!(manifest.contains("voice_*"), "the filter did not arrive");

    // arguments: one a line, or a flag and its value; nothing is expanded
    let with =
        "        with:\n          command: verify\n          store: ${{ vars.SUPABACKUP_STORE }}\n          args: |\n";
    let job = action(
        &stack,
        &store,
        &format!("    steps:\n{uses}{with}            latest\n            --depth hashed\n            --json\n"),
    )?;
    let step = job.step(ACTION)?;
    ensure!(job.succeeded && step.ran.stdout.contains("\"hashed\""), "{job:?}");
    let job = action(&stack, &store, &format!("    steps:\n{uses}{with}            $(id) * ; latest\n"))?;
    let step = job.step(ACTION)?;
    ensure!(!job.succeeded && step.ran.code == 2 && step.ran.stderr.contains("$(id) * ; latest"), "{job:?}");

    // a wrong value is named, and the exit code of the program is that of the step
    let wrong =
        format!("    steps:\n{uses}        with:\n          command: backup\n          connections: many\n{project}");
    let job = action(&stack, &store, &wrong)?;
    ensure!(!job.succeeded && job.step(ACTION)?.ran.code == 2, "{job:?}");
    ensure!(job.step(ACTION)?.ran.stderr.contains("SUPABACKUP_CONNECTIONS"), "{job:?}");
    Ok(())
}

#[test]
fn files_of_the_runner_are_read_by_its_rules() -> Result<()> {
    let read = assignments("a=1\nb<<END\nx=y\n\nz\nEND\nc=x<<y\nd=\n")?;
    let told: Vec<_> = read.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    ensure!(told == ["a:1", "b:x=y\n\nz", "c:x<<y", "d:"], "{told:?}");
    for broken in ["no sign", "=x", "a<<END\nx", "<<END\nEND"] {
        ensure!(assignments(broken).is_err(), "{broken}");
    }
    Ok(())
}
