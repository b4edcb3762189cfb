//! Servers that speak S3, from the registries, started by the tests and gone with them.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use supabackup::store::{Access, BucketStore, StoreUrl};

use crate::support::parts::{KEEPER, install};

/// Where a server is installed.
fn parts(name: &str) -> Result<PathBuf> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| install(&["s3", "azurite"]).map_err(|error| format!("{error:#}")));
    installed.as_ref().map(|cache| cache.join(name)).map_err(|why| anyhow::anyhow!("{why}"))
}

/// An access key.
#[derive(Debug, Clone)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl AccessKey {
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned() }
    }
}

/// A server on a port of this machine.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    pub(crate) key: AccessKey,
    /// A key that may do everything but delete, where the server knows rights.
    pub(crate) adder: Option<AccessKey>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // its shell ends it when nobody speaks to it any more
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Starts `program` under a shell that ends it when the tests do, however they end.
fn start(program: &mut Command, port: u16) -> Result<Child> {
    program.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = program.spawn().context("starting a server")?;
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("the server ended at once: {status}");
        }
        ensure!(Instant::now() < until, "the server does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(child)
}

static NUMBER: AtomicUsize = AtomicUsize::new(0);

const AZURE_KEY: &str = "c2VjcmV0IG9mIHRoZSB0ZXN0LCA2NCBieXRlcyBsb25nLCBmb3IgYXp1cml0ZSBhbmQgbm9ib2R5IGVsc2U9PT0=";

/// Puts a container, signed as Azure asks for it.
const CONTAINER: &str = r#"
import sys, hmac, hashlib, base64, email.utils, urllib.request
port, name, key = sys.argv[1:]
date = email.utils.formatdate(usegmt=True)
lines = ["PUT"] + [""] * 11 + [f"x-ms-date:{date}", "x-ms-version:2021-08-06", f"/account/account/{name}", "restype:container"]
text = "\n".join(lines)
digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
headers = {"x-ms-date": date, "x-ms-version": "2021-08-06", "Content-Length": "0",
           "Authorization": "SharedKey account:" + base64.b64encode(digest).decode()}
url = f"http://127.0.0.1:{port}/account/{name}?restype=container"
urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers=headers)).read()
"#;

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
const ADD_ONLY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Put*","s3:Get*","s3:List*"],"Resource":"*"}]}"#;

impl Server {
    /// A server that keeps conditions. `strict`: it checks every signature and right.
    pub(crate) fn moto(strict: bool) -> Result<Self> {
        let (parts, port) = (parts("s3")?, free_port()?);
        let mut program = Command::new("bash");
        program.args([
            "-c",
            KEEPER,
            "keeper",
            "python3",
            "-m",
            "moto.server",
            "-H",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ]);
        program.env("PYTHONPATH", parts).env("PYTHONDONTWRITEBYTECODE", "1");
        if strict {
            program.env("INITIAL_NO_AUTH_ACTION_COUNT", "6");
        }
        let mut server = Self {
            child: start(&mut program, port)?,
            port,
            key: AccessKey::new("AKIATEST", "secret-of-the-test"),
            adder: None,
        };
        if strict {
            server.key = server.user("writer", POLICY)?;
            server.adder = Some(server.user("adder", ADD_ONLY)?);
        }
        Ok(server)
    }

    /// A server that checks signatures, and ignores conditions. Its buckets are the folders of `directory`.
    pub(crate) fn rclone(directory: &Path) -> Result<Self> {
        let (parts, port) = (parts("s3")?, free_port()?);
        let key = AccessKey::new("AKIARCLONE", "secret-of-rclone-9qX2vT7mWk4z");
        let mut program = Command::new("bash");
        program.args(["-c", KEEPER, "keeper"]).arg(parts.join("bin/rclone"));
        program.args(["serve", "s3", "--config", "/dev/null", "--addr", &format!("127.0.0.1:{port}")]);
        program.args(["--auth-key", &format!("{},{}", key.id, key.secret)]).arg(directory);
        Ok(Self { child: start(&mut program, port)?, port, key, adder: None })
    }

    /// Azure's own emulator, in memory.
    pub(crate) fn azurite() -> Result<Self> {
        let (parts, port) = (parts("azurite")?, free_port()?);
        let mut program = Command::new("bash");
        program.args(["-c", KEEPER, "keeper", "node"]).arg(parts.join("node_modules/azurite/dist/src/blob/main.js"));
        program.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string(), "--inMemoryPersistence"]);
        program.args(["--silent", "--skipApiVersionCheck", "--disableTelemetry"]);
        program.env("AZURITE_ACCOUNTS", format!("account:{AZURE_KEY}"));
        let key = AccessKey::new("account", AZURE_KEY);
        Ok(Self { child: start(&mut program, port)?, port, key, adder: None })
    }

    /// A new container, made by somebody else's program.
    pub(crate) fn container(&self) -> Result<String> {
        let name = format!("container-{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let made = Command::new("python3")
            .args(["-c", CONTAINER, &self.port.to_string(), &name, &self.key.secret])
            .output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Ok(name)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A signed request by somebody else's program.
    fn curl(&self, service: &str, arguments: &[&str]) -> Result<String> {
        let output = Command::new("curl")
            .args(["-sS", "--fail-with-body", "--aws-sigv4", &format!("aws:amz:us-east-1:{service}"), "--user"])
            .arg(format!("{}:{}", self.key.id, self.key.secret))
            .args(arguments)
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        Ok(text)
    }

    /// A request without a body, like `PUT /bucket`.
    pub(crate) fn s3(&self, method: &str, path: &str) -> Result<String> {
        self.s3_with(method, path, "x-amz-meta-nothing: more")
    }

    fn s3_with(&self, method: &str, path: &str, header: &str) -> Result<String> {
        const NOTHING: &str = "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        self.curl("s3", &["-X", method, "-H", NOTHING, "-H", header, &format!("{}{path}", self.endpoint())])
    }

    fn user(&self, name: &str, policy: &str) -> Result<AccessKey> {
        let iam = |action: &str, more: &[(&str, &str)]| {
            let mut form = vec![format!("Action={action}&Version=2010-05-08&UserName={name}")];
            form.extend(more.iter().map(|(name, value)| {
                format!("{name}={}", value.bytes().map(|b| format!("%{b:02X}")).collect::<String>())
            }));
            self.curl("iam", &["-d", &form.join("&"), &format!("{}/", self.endpoint())])
        };
        iam("CreateUser", &[])?;
        iam("PutUserPolicy", &[("PolicyName", "rights"), ("PolicyDocument", policy)])?;
        let made = iam("CreateAccessKey", &[])?;
        let tag = |name: &str| {
            let text = made.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once('<'));
            text.map(|(text, _)| text.to_owned()).with_context(|| made.clone())
        };
        Ok(AccessKey { id: tag("AccessKeyId")?, secret: tag("SecretAccessKey")? })
    }

    /// A new bucket.
    pub(crate) fn bucket(&self) -> Result<String> {
        let name = format!("bucket-{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        self.s3("PUT", &format!("/{name}"))?;
        Ok(name)
    }

    /// A new bucket with Object Lock.
    pub(crate) fn locking_bucket(&self) -> Result<String> {
        let name = format!("locking-{}", self.port);
        self.s3_with("PUT", &format!("/{name}"), "x-amz-bucket-object-lock-enabled: true")?;
        Ok(name)
    }
}

/// The server of all tests that do not need one of their own.
pub(crate) fn shared() -> Result<&'static Server> {
    static SHARED: OnceLock<Result<Server, String>> = OnceLock::new();
    let server = SHARED.get_or_init(|| Server::moto(true).map_err(|error| format!("{error:#}")));
    server.as_ref().map_err(|why| anyhow::anyhow!("{why}"))
}

/// Azure's emulator, for all tests.
pub(crate) fn shared_azure() -> Result<&'static Server> {
    static SHARED: OnceLock<Result<Server, String>> = OnceLock::new();
    let server = SHARED.get_or_init(|| Server::azurite().map_err(|error| format!("{error:#}")));
    server.as_ref().map_err(|why| anyhow::anyhow!("{why}"))
}

/// A store at this address, as the program would open it, with less patience.
pub(crate) fn store(url: &str, variables: &[(&str, &str)]) -> Result<BucketStore> {
    let access = Access {
        variables: variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect(),
        retries: 6,
        first_delay: Duration::from_millis(10),
        timeout: Duration::from_secs(30),
        ..Access::default()
    };
    let url = url.parse::<StoreUrl>().and_then(|url| url.with_access(&access)).map_err(anyhow::Error::msg)?;
    let StoreUrl::Object(url) = url else { bail!("{url} is no bucket") };
    Ok(BucketStore::new(*url))
}

/// A store in a bucket, reached through `port`.
pub(crate) fn in_bucket(bucket: &str, port: u16, key: &AccessKey, more: &str) -> Result<BucketStore> {
    let url = format!("s3://{bucket}?endpoint=http://127.0.0.1:{port}{more}");
    store(&url, &[("aws_access_key_id", &key.id), ("aws_secret_access_key", &key.secret)])
}
