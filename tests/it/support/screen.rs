//! A terminal with somebody in front of it: a pseudo-terminal, an emulator that shows what a person
//! would see, and keys.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::Run;
use super::run::BINARY;

/// Keys, as a terminal sends them.
pub(crate) const ENTER: &str = "\r";
pub(crate) const ESC: &str = "\u{1b}";
pub(crate) const CTRL_C: &str = "\u{3}";
pub(crate) const DOWN: &str = "\u{1b}[B";
pub(crate) const LEFT: &str = "\u{1b}[D";
pub(crate) const SPACE: &str = " ";

/// No text takes this long to appear, and no program to end.
const LONGEST: Duration = Duration::from_secs(90);

/// Lines that are remembered after they left the screen.
const MEMORY: u16 = 3000;

/// A shell that runs the binary and stays until the terminal has been looked at: when the first process
/// of a session ends, the kernel resets the terminal, and would hide what the binary forgot.
const SHELL: &str = r#"trap : INT; "$@"; printf '\n<<exit %s>>' $?; read -r done"#;

/// The binary at work on a terminal.
pub(crate) struct Screen {
    shell: Child,
    terminal: File,
    seen: Arc<Seen>,
    reader: Option<JoinHandle<()>>,
}

struct Seen {
    picture: Mutex<Picture>,
    changed: Condvar,
}

struct Picture {
    /// What is on the screen.
    screen: vt100::Parser,
    /// The same on a screen so high that nothing leaves it.
    paper: vt100::Parser,
}

impl Seen {
    fn picture(&self) -> MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Left {
    /// Exit code; 128 + signal when a signal ended it.
    pub(crate) code: i32,
    /// All that it printed, as it looked in the end.
    pub(crate) text: String,
    /// Whether the terminal is as it was: it echoes, takes lines, turns Ctrl-C into a signal, and shows its
    /// cursor.
    pub(crate) is_restored: bool,
}

impl Left {
    /// Whether it printed a text, wherever its lines end.
    pub(crate) fn says(&self, text: &str) -> bool {
        on_one_line(&self.text).contains(text)
    }
}

/// Words with one space between them.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Screen {
    /// Starts `supabackup ARGS` on a terminal of so many columns and lines, in a session of its own.
    /// `environment` adds what the call needs: `|run| run.on(&stack)`.
    pub(crate) fn start(args: &[&str], size: (u16, u16), environment: impl FnOnce(Run) -> Run) -> Result<Self> {
        Self::start_program(BINARY, args, size, environment)
    }

    /// Starts another program on a terminal.
    pub(crate) fn start_program(
        program: &str,
        args: &[&str],
        (columns, lines): (u16, u16),
        environment: impl FnOnce(Run) -> Run,
    ) -> Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        tcsetwinsize(&master, size(columns, lines))?;
        let path = PathBuf::from(ptsname(&master, Vec::new())?.into_string()?);
        let slave = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(path)?;

        let call: Vec<&str> =
            ["--ctty", "sh", "-c", SHELL, "sh", program].into_iter().chain(args.iter().copied()).collect();
        let run = environment(Run::program("setsid", &call).env("TERM", "xterm-256color"));
        let mut command: Command = run.into_command();
        command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave.try_clone()?);
        let shell = command.spawn().context("starting setsid (util-linux)")?;
        // what is still open of the program's end would keep the reader waiting for more
        drop((command, slave));

        let picture =
            Picture { screen: vt100::Parser::new(lines, columns, 0), paper: vt100::Parser::new(MEMORY, columns, 0) };
        let seen = Arc::new(Seen { picture: Mutex::new(picture), changed: Condvar::new() });
        let terminal = File::from(master);
        let (mut output, watched) = (terminal.try_clone()?, Arc::clone(&seen));
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                // the error (EIO) is how a terminal says that nobody has its other end any more
                let read = output.read(&mut buffer).unwrap_or(0);
                let mut picture = watched.picture();
                picture.screen.process(&buffer[..read]);
                picture.paper.process(&buffer[..read]);
                watched.changed.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Ok(Self { shell, terminal, seen, reader: Some(reader) })
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) -> Result<()> {
        Ok(self.terminal.write_all(keys.as_bytes())?)
    }

    /// Returns once a text is on the screen, wherever its lines end.
    pub(crate) fn wait_for(&mut self, text: &str) -> Result<()> {
        self.wait(&format!("{text:?}"), |screen| on_one_line(&screen.contents()).contains(text))
    }

    /// Returns once a text is on the screen no more.
    pub(crate) fn wait_without(&mut self, text: &str) -> Result<()> {
        self.wait(&format!("a screen without {text:?}"), |screen| !screen.contents().contains(text))
    }

    fn wait(&mut self, what: &str, is_there: impl Fn(&vt100::Screen) -> bool) -> Result<()> {
        let deadline = Instant::now() + LONGEST;
        let mut picture = self.seen.picture();
        loop {
            let screen = picture.screen.screen();
            if is_there(screen) {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let text = screen.contents();
            ensure!(!left.is_zero() && exit_code(&text).is_none(), "{what} did not come:\n{text}");
            picture = self.seen.changed.wait_timeout(picture, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether a text is on the screen, wherever its lines end.
    pub(crate) fn says(&self, text: &str) -> bool {
        on_one_line(&self.text()).contains(text)
    }

    /// What is on the screen.
    pub(crate) fn text(&self) -> String {
        self.seen.picture().screen.screen().contents()
    }

    /// Lines that did not fit and went on in the next one.
    pub(crate) fn wrapped(&self) -> Vec<String> {
        let picture = self.seen.picture();
        let paper = picture.paper.screen();
        let (lines, columns) = paper.size();
        let texts: Vec<String> = paper.rows(0, columns).collect();
        let wrapped = (0..lines).filter(|&line| paper.row_wrapped(line));
        wrapped.filter_map(|line| texts.get(usize::from(line)).cloned()).collect()
    }

    /// Whether the cursor is to be seen.
    pub(crate) fn shows_cursor(&self) -> bool {
        !self.seen.picture().screen.screen().hide_cursor()
    }

    /// Whether anything on the screen has a colour.
    pub(crate) fn has_colours(&self) -> bool {
        let picture = self.seen.picture();
        let screen = picture.screen.screen();
        let (lines, columns) = screen.size();
        (0..lines).any(|line| {
            (0..columns)
                .filter_map(|column| screen.cell(line, column))
                .any(|cell| cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default)
        })
    }

    /// Makes the window another size.
    pub(crate) fn resize(&mut self, columns: u16, lines: u16) -> Result<()> {
        {
            let mut picture = self.seen.picture();
            picture.screen.screen_mut().set_size(lines, columns);
            picture.paper.screen_mut().set_size(MEMORY, columns);
        }
        Ok(tcsetwinsize(&self.terminal, size(columns, lines))?)
    }

    /// Sends a signal to the binary.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let shell = self.shell.id();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"))?;
        let binary = children.split_whitespace().next().context("the binary does not run")?;
        let status = Command::new("kill").args(["-s", name, binary]).status()?;
        ensure!(status.success(), "kill -s {name}: {status}");
        Ok(())
    }

    /// Waits for the end of the binary, and looks at what it left.
    pub(crate) fn end(mut self) -> Result<Left> {
        let deadline = Instant::now() + LONGEST;
        let (code, text) = {
            let mut picture = self.seen.picture();
            loop {
                let text = picture.paper.screen().contents();
                if let Some(code) = exit_code(&text) {
                    break (code, text);
                }
                let left = deadline.saturating_duration_since(Instant::now());
                ensure!(!left.is_zero(), "the binary does not end:\n{text}");
                picture = self.seen.changed.wait_timeout(picture, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        };
        let ordinary = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        let is_restored = tcgetattr(&self.terminal)?.local_modes.contains(ordinary) && self.shows_cursor();
        self.close()?;
        let text = text.split("<<exit ").next().unwrap_or_default().trim_end().to_owned();
        Ok(Left { code, text, is_restored })
    }

    fn close(&mut self) -> Result<()> {
        self.shell.kill()?;
        self.shell.wait()?;
        match self.reader.take().map(JoinHandle::join) {
            Some(Err(_)) => bail!("reading the terminal failed"),
            _ => Ok(()),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // a story that failed in the middle leaves nothing behind: without its terminal the binary ends too
        let _ = self.close();
    }
}

/// What the shell says at the end.
fn exit_code(text: &str) -> Option<i32> {
    let (_, rest) = text.split_once("<<exit ")?;
    rest.split_once(">>")?.0.parse().ok()
}

fn size(columns: u16, lines: u16) -> Winsize {
    Winsize { ws_col: columns, ws_row: lines, ws_xpixel: 0, ws_ypixel: 0 }
}
