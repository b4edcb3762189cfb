//! Just enough of PostgreSQL's protocol to run SQL as a role and see the type of every column.
//!
//! No client library: they hide the types of a simple query's columns, and the simple query protocol
//! is what the service uses when a request has no parameters (several statements, one transaction).
//! The server trusts the loopback interface, so there is nothing to authenticate.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
};

/// The rows of one statement.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Names and types, in order.
    pub(crate) columns: Vec<Column>,
    /// Each value as PostgreSQL prints it.
    pub(crate) rows: Vec<Vec<Option<Bytes>>>,
}

/// One column of a result.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The type's number in `pg_type`.
    pub(crate) oid: u32,
}

/// Why there are no rows.
#[derive(Debug)]
pub(crate) enum Failure {
    /// PostgreSQL refused; the fields of its answer by their letters.
    Database(ServerError),
    /// The connection could not be made or was lost.
    Connection(io::Error),
}

/// The fields of an error that the service shows.
#[derive(Debug, Default)]
pub(crate) struct ServerError {
    pub(crate) severity: String,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
    /// In characters, from 1.
    pub(crate) position: Option<usize>,
    pub(crate) internal_query: Option<String>,
    pub(crate) context: Option<String>,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

/// One connection.
pub(crate) struct Session {
    stream: BufStream<TcpStream>,
}

impl Session {
    /// Connects to the project's database as `role`.
    pub(crate) async fn open(address: &str, role: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut session = Self { stream: BufStream::new(stream) };
        let mut body = BytesMut::new();
        body.put_i32(196_608); // protocol 3.0
        for (name, value) in [("user", role), ("database", "postgres"), ("client_encoding", "UTF8")] {
            put_text(&mut body, name)?;
            put_text(&mut body, value)?;
        }
        body.put_u8(0);
        session.stream.write_all(&i32::try_from(body.len() + 4).map_err(io::Error::other)?.to_be_bytes()).await?;
        session.stream.write_all(&body).await?;
        session.finish().await?;
        Ok(session)
    }

    /// Runs SQL by the simple protocol: the results of all its statements.
    pub(crate) async fn simple(&mut self, sql: &str) -> Result<Vec<Table>, Failure> {
        let mut body = BytesMut::new();
        put_text(&mut body, sql)?;
        self.send(b'Q', &body).await?;
        self.finish().await
    }

    /// Runs one statement with parameters, each as text.
    pub(crate) async fn extended(&mut self, sql: &str, values: &[Option<String>]) -> Result<Vec<Table>, Failure> {
        let mut body = BytesMut::new();
        put_text(&mut body, "")?;
        put_text(&mut body, sql)?;
        body.put_i16(0); // no types given
        self.send(b'P', &body).await?;

        body.clear();
        put_text(&mut body, "")?;
        put_text(&mut body, "")?;
        body.put_i16(0); // all values are text
        body.put_u16(u16::try_from(values.len()).map_err(io::Error::other)?);
        for value in values {
            match value {
                None => body.put_i32(-1),
                Some(text) => {
                    body.put_i32(i32::try_from(text.len()).map_err(io::Error::other)?);
                    body.put_slice(text.as_bytes());
                }
            }
        }
        body.put_i16(0); // all results are text
        self.send(b'B', &body).await?;
        self.send(b'D', b"P\0").await?;
        self.send(b'E', b"\0\0\0\0\0").await?;
        self.send(b'S', b"").await?;
        self.finish().await
    }

    async fn send(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        self.stream.write_u8(kind).await?;
        self.stream.write_i32(i32::try_from(body.len() + 4).map_err(io::Error::other)?).await?;
        self.stream.write_all(body).await
    }

    /// Reads up to the server's word that it is ready.
    async fn finish(&mut self) -> Result<Vec<Table>, Failure> {
        self.stream.flush().await?;
        let mut done = Vec::new();
        let mut current = Table::default();
        let mut error = None;
        loop {
            let kind = match self.stream.read_u8().await {
                // a backend that ends says why before it goes
                Err(_) if error.is_some() => break,
                other => other?,
            };
            let length = self.stream.read_i32().await?;
            let length = usize::try_from(length - 4).map_err(io::Error::other)?;
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await?;
            let mut body = Message(body.into());
            match kind {
                b'R' if body.int()? != 0 => return Err(io::Error::other("PostgreSQL asks for a password").into()),
                b'T' => current.columns = body.columns()?,
                b'D' => current.rows.push(body.row()?),
                b'C' | b'I' => done.push(std::mem::take(&mut current)),
                b'E' => error = Some(body.error()?),
                b'G' => {
                    self.send(b'f', b"No source stream defined\0").await?;
                    self.stream.flush().await?;
                }
                b'Z' => break,
                _ => {} // notices, settings, keys, copied data: nobody sees them
            }
        }
        match error {
            Some(error) => Err(Failure::Database(error)),
            None => Ok(done),
        }
    }
}

/// A nul byte would end the text early.
fn put_text(body: &mut BytesMut, text: &str) -> io::Result<()> {
    if text.contains('\0') {
        return Err(io::Error::other("text with a nul byte"));
    }
    body.put_slice(text.as_bytes());
    body.put_u8(0);
    Ok(())
}

/// What is left of a message.
struct Message(Bytes);

impl Message {
    fn take(&mut self, length: usize) -> io::Result<Bytes> {
        if self.0.len() < length {
            return Err(io::Error::other("a message of PostgreSQL is too short"));
        }
        Ok(self.0.split_to(length))
    }

    fn short(&mut self) -> io::Result<i16> {
        Ok(self.take(2)?.get_i16())
    }

    fn int(&mut self) -> io::Result<i32> {
        Ok(self.take(4)?.get_i32())
    }

    fn text(&mut self) -> io::Result<String> {
        let end = self.0.iter().position(|&byte| byte == 0);
        let end = end.ok_or_else(|| io::Error::other("a text of PostgreSQL has no end"))?;
        let text = self.take(end)?;
        self.take(1)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn columns(&mut self) -> io::Result<Vec<Column>> {
        let count = self.short()?;
        let mut columns = Vec::new();
        for _ in 0..count {
            let name = self.text()?;
            self.take(6)?; // table and attribute
            let oid = self.take(4)?.get_u32();
            self.take(8)?; // length, modifier, format
            columns.push(Column { name, oid });
        }
        Ok(columns)
    }

    fn row(&mut self) -> io::Result<Vec<Option<Bytes>>> {
        let count = self.short()?;
        let mut row = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
        for _ in 0..count {
            let length = self.int()?;
            row.push(match usize::try_from(length) {
                Ok(length) => Some(self.take(length)?),
                Err(_) => None,
            });
        }
        Ok(row)
    }

    fn error(&mut self) -> io::Result<ServerError> {
        let mut error = ServerError::default();
        loop {
            let kind = self.take(1)?.get_u8();
            if kind == 0 {
                return Ok(error);
            }
            let value = self.text()?;
            match kind {
                b'S' => error.severity = value,
                b'C' => error.code = value,
                b'M' => error.message = value,
                b'D' => error.detail = Some(value),
                b'H' => error.hint = Some(value),
                b'P' => error.position = value.parse().ok(),
                b'q' => error.internal_query = Some(value),
                b'W' => error.context = Some(value),
                _ => {}
            }
        }
    }
}
