//! What only a server at the other end of a network can get wrong.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use supabackup::store::{Store, StoreError};

use super::servers::{AccessKey, Server, in_bucket, shared, store};
use super::way::{Fate, Way};
use super::{key, keys};

fn large() -> Bytes {
    (0..20_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ignores_conditions_is_found_out_before_anything_is_written() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::create_dir(directory.path().join("b"))?;
    let server = Server::rclone(directory.path())?;
    let store = in_bucket("b", server.port, &server.key, "")?;
    for refused in [store.put(&key("x")?, Bytes::new()).await, store.create(&key("x")?, Bytes::new()).await] {
        let Err(error) = refused else { anyhow::bail!("it was written") };
        ensure!(
            error.to_string().contains("overwrites a file although") && error.to_string().contains("?one-writer=yes"),
            "{error}"
        );
    }
    ensure!(keys(&store, "").await?.is_empty());
    ensure!(std::fs::read_dir(directory.path().join("b"))?.count() == 0, "the question left something");

    let store = in_bucket("b", server.port, &server.key, "&one-writer=yes")?;
    store.create(&key("p/x")?, Bytes::from_static(b"first")).await?;
    let second = store.create(&key("p/x")?, Bytes::from_static(b"second")).await;
    ensure!(matches!(second, Err(StoreError::AlreadyExists { .. })), "{second:?}");
    store.put(&key("p/large")?, large()).await?;
    ensure!(store.get(&key("p/large")?).await? == large() && store.get(&key("p/x")?).await? == "first");
    ensure!(keys(&store, "p").await? == ["p/large", "p/x"]);

    let wrong = AccessKey::new(&server.key.id, "the-sentinel-of-a-wrong-secret");
    let refused = in_bucket("b", server.port, &wrong, "")?.get(&key("p/x")?).await;
    ensure!(matches!(refused, Err(StoreError::Credentials { .. } | StoreError::Denied { .. })), "{refused:?}");
    ensure!(!format!("{refused:?}").contains("sentinel"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_and_a_bad_way_are_waited_out() -> Result<()> {
    let server = shared()?;
    let way = Way::to(server.port).await?;
    let store = in_bucket(&server.bucket()?, way.port, &server.key, "&region=us-east-1")?;
    store.put(&key("warm")?, Bytes::from_static(b"up")).await?;

    way.plan("PUT", "/a", 3, Fate::SlowDown);
    way.plan("PUT", "/a", 1, Fate::CutRequest);
    way.plan("PUT", "/a", 1, Fate::LoseAnswer);
    let value = Bytes::from(vec![7; 300_000]);
    store.put(&key("a")?, value.clone()).await?;
    ensure!(way.is_done());

    way.plan("GET", "/a", 2, Fate::CutAnswer);
    way.plan("GET", "/a", 1, Fate::LoseAnswer);
    way.plan("GET", "/a", 1, Fate::SlowDown);
    ensure!(store.get(&key("a")?).await? == value);
    ensure!(way.is_done());

    way.plan("GET", "list-type=2", 2, Fate::CutAnswer);
    way.plan("GET", "list-type=2", 2, Fate::SlowDown);
    ensure!(keys(&store, "").await? == ["a", "warm"]);
    ensure!(way.is_done());

    // pieces, their beginning and their end
    way.plan("POST", "?uploads", 1, Fate::SlowDown);
    way.plan("PUT", "partNumber=2", 2, Fate::CutRequest);
    way.plan("PUT", "partNumber=3", 1, Fate::SlowDown);
    store.put(&key("large")?, large()).await?;
    ensure!(store.get(&key("large")?).await? == large() && way.is_done());

    way.plan("DELETE", "/a", 1, Fate::LoseAnswer);
    store.delete(&key("a")?).await?;
    ensure!(keys(&store, "").await? == ["large", "warm"] && way.is_done());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_whose_answer_got_lost_is_ours_and_another_one_is_not() -> Result<()> {
    let server = shared()?;
    let way = Way::to(server.port).await?;
    let store = in_bucket(&server.bucket()?, way.port, &server.key, "")?;
    store.put(&key("warm")?, Bytes::from_static(b"up")).await?;
    way.plan("PUT", "/ours", 2, Fate::LoseAnswer);
    store.create(&key("ours")?, Bytes::from_static(b"ours")).await?;
    ensure!(way.is_done(), "the answer was not lost");
    way.plan("PUT", "/ours", 1, Fate::LoseAnswer);
    let again = store.create(&key("ours")?, Bytes::from_static(b"ours")).await;
    ensure!(matches!(again, Err(StoreError::AlreadyExists { .. })), "{again:?}");
    way.plan("PUT", "/never", 2, Fate::CutRequest);
    store.create(&key("never")?, Bytes::from(vec![1; 100_000])).await?;
    ensure!(way.is_done() && keys(&store, "").await? == ["never", "ours", "warm"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_busy_is_given_up_and_pieces_are_taken_back() -> Result<()> {
    let server = shared()?;
    let way = Way::to(server.port).await?;
    let bucket = server.bucket()?;
    let store = in_bucket(&bucket, way.port, &server.key, "")?;
    store.put(&key("warm")?, Bytes::from_static(b"up")).await?;
    way.plan("PUT", "partNumber=2", usize::MAX, Fate::SlowDown);
    let Err(error) = store.put(&key("large")?, large()).await else { anyhow::bail!("it was written") };
    ensure!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    ensure!(
        error.to_string().ends_with("the server answers 503 (SlowDown: Please reduce your request rate.)"),
        "{error}"
    );
    ensure!(keys(&store, "").await? == ["warm"]);
    let uploads = server.s3("GET", &format!("/{bucket}?uploads="))?;
    ensure!(!uploads.contains("<Upload>"), "{uploads}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_a_store_from_being_used_is_said_in_a_sentence() -> Result<()> {
    let server = shared()?;
    let bucket = server.bucket()?;
    let wrong = AccessKey::new(&server.key.id, "the-sentinel-of-a-wrong-secret");
    let Err(error) = in_bucket(&bucket, server.port, &wrong, "")?.put(&key("x")?, Bytes::new()).await else {
        anyhow::bail!("anybody may write");
    };
    ensure!(matches!(error, StoreError::Credentials { .. }) && error.hint().is_some(), "{error:?}");
    ensure!(
        error
            .to_string()
            .starts_with(&format!("writing to s3://{bucket}: the server answers 403 (SignatureDoesNotMatch")),
        "{error}"
    );
    ensure!(!error.to_string().contains("sentinel"));

    let absent = in_bucket("no-such-bucket", server.port, &server.key, "")?;
    for error in [
        absent.put(&key("x")?, Bytes::new()).await.err(),
        absent.get(&key("x")?).await.err(),
        absent.list("").await.err(),
    ] {
        let error = error.context("there is such a bucket")?;
        ensure!(
            error.to_string().contains("s3://no-such-bucket") && error.to_string().contains("there is no such bucket"),
            "{error}"
        );
    }

    let adder = server.adder.as_ref().context("no such user")?;
    let store = in_bucket(&bucket, server.port, adder, "")?;
    ensure!(!store.check().await?, "it may delete");
    store.put(&key("x")?, Bytes::from_static(b"x")).await?;
    let refused = store.delete(&key("x")?).await;
    ensure!(matches!(refused, Err(StoreError::Denied { .. })), "{refused:?}");
    ensure!(keys(&store, "").await? == ["x"], "the question's file is listed");

    let dead = in_bucket("b", 1, &server.key, "")?;
    let refused = dead.put(&key("x")?, Bytes::new()).await;
    ensure!(
        matches!(&refused, Err(e @ StoreError::Unreachable { .. }) if e.to_string().contains("writing to s3://b: no connection")),
        "{refused:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_of_a_bucket_is_a_store_of_its_own_and_foreign_files_are_shown() -> Result<()> {
    let server = shared()?;
    let bucket = server.bucket()?;
    let outer = in_bucket(&bucket, server.port, &server.key, "")?;
    let inner = in_bucket(&format!("{bucket}/team/backups"), server.port, &server.key, "")?;
    inner.put(&key("p/s/x")?, Bytes::from_static(b"x")).await?;
    outer.put(&key("team/backups-2/y")?, Bytes::from_static(b"y")).await?;
    ensure!(keys(&inner, "").await? == ["p/s/x"] && inner.folders("").await? == ["p"]);
    ensure!(inner.folders("p").await? == ["s"] && keys(&inner, "p/s").await? == ["p/s/x"]);
    ensure!(keys(&outer, "").await? == ["team/backups-2/y", "team/backups/p/s/x"]);
    for foreign in ["team/backups/p/", "team/backups/notes%20%28copy%29%20%C3%A9.txt"] {
        server.s3("PUT", &format!("/{bucket}/{foreign}"))?;
    }
    ensure!(keys(&inner, "p").await? == ["p/s/x"], "a folder's marker is no file of it");
    ensure!(keys(&inner, "").await?.contains(&"notes (copy) é.txt".to_owned()), "{:?}", keys(&inner, "").await?);
    ensure!(inner.describe() == format!("s3://{bucket}/team/backups"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_carry_a_checksum_and_are_locked_where_that_is_asked_for() -> Result<()> {
    let server = shared()?;
    let bucket = server.locking_bucket()?;
    let way = Way::to(server.port).await?;
    let locked = in_bucket(&bucket, way.port, &server.key, "&object-lock=governance&retain=30d")?;
    locked.put(&key("small")?, Bytes::from_static(b"x")).await?;
    locked.create(&key("once")?, Bytes::from_static(b"x")).await?;
    locked.put(&key("large")?, large()).await?;
    locked.get(&key("small")?).await?;
    let heads = way.heads();
    let of = |begins: &str, holds: &str| -> Result<String> {
        let head = heads
            .iter()
            .find(|head| head.starts_with(begins) && head.lines().next().is_some_and(|l| l.contains(holds)));
        Ok(head.with_context(|| format!("no {begins} {holds}"))?.to_lowercase())
    };
    for head in [of("PUT", "/small")?, of("PUT", "/once")?, of("PUT", "/large")?] {
        ensure!(
            head.contains("x-amz-object-lock-mode: governance")
                && head.contains("x-amz-object-lock-retain-until-date: 20"),
            "{head}"
        );
        ensure!(head.contains("signedheaders=") && head.contains("x-amz-object-lock-mode;"), "{head}");
    }
    for head in [of("PUT", "/small")?, of("PUT", "/large")?] {
        ensure!(head.contains("x-amz-checksum-sha256: "), "{head}");
    }
    ensure!(!of("GET", "/small")?.contains("object-lock") && !of("PUT", ".supabackup-probe-")?.contains("object-lock"));
    ensure!(!heads.iter().any(|head| head.contains(&server.key.secret)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_nobody_waits_for_is_over_when_the_store_has_settled() -> Result<()> {
    let server = shared()?;
    let store = in_bucket(&server.bucket()?, server.port, &server.key, "")?;
    store.put(&key("warm")?, Bytes::from_static(b"up")).await?;
    let at = key("large")?;
    let given_up = tokio::time::timeout(Duration::from_millis(20), store.put(&at, large())).await;
    ensure!(given_up.is_err(), "it was too fast to be given up");
    store.settled().await;
    ensure!(store.get(&at).await? == large(), "it is not there although it is over");
    Ok(())
}

const TOKEN: &str = "eyJ0b2tlbiI6InRoZSBqb2IncyJ9.sentinel.of-the-job";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_can_say_who_it_is_needs_no_stored_key() -> Result<()> {
    let server = Server::moto(false)?;
    let bucket = server.bucket()?;
    let way = Way::to(server.port).await?;
    way.plan("GET", "/token", 1, Fate::Answer(r#"{"value": "eyJ0b2tlbiI6InRoZSBqb2IncyJ9.sentinel.of-the-job"}"#));
    let address = format!("http://127.0.0.1:{}", way.port);
    let url = format!("s3://{bucket}?endpoint={address}");
    let github = [
        ("aws_role_arn", "arn:aws:iam::123456789012:role/backup"),
        ("github_token_url", &format!("{address}/token?x=1")),
        ("github_token_token", "the-bearer-of-the-runner"),
        ("aws_endpoint_url_sts", &format!("{address}/")),
    ];
    let by_github = store(&url, &github)?;
    by_github.put(&key("x")?, Bytes::from_static(b"x")).await?;
    by_github.put(&key("y")?, Bytes::from_static(b"y")).await?;
    let heads = way.heads();
    let asked: Vec<&String> = heads.iter().filter(|head| head.starts_with("GET /token")).collect();
    ensure!(asked.len() == 1 && asked[0].starts_with("GET /token?x=1&audience=sts.amazonaws.com "), "{asked:?}");
    ensure!(asked[0].contains("Bearer the-bearer-of-the-runner"));
    ensure!(heads.iter().filter(|head| head.starts_with("POST / ")).count() == 1, "keys are asked for once");
    let put = heads.iter().find(|head| head.starts_with("PUT") && head.contains("/x ")).context("no PUT")?;
    ensure!(put.to_lowercase().contains("x-amz-security-token: "), "{put}");

    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), format!("{TOKEN}\n"))?;
    let path = file.path().display().to_string();
    let by_file = [github[0], ("aws_web_identity_token_file", &path), github[3]];
    ensure!(store(&url, &by_file)?.get(&key("x")?).await? == "x");
    let absent = [github[0], ("aws_web_identity_token_file", "/nowhere/token"), github[3]];
    let refused = store(&url, &absent)?.get(&key("x")?).await;
    ensure!(
        matches!(&refused, Err(e @ StoreError::Credentials { .. }) if e.to_string().contains("/nowhere/token")),
        "{refused:?}"
    );
    Ok(())
}
