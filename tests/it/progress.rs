//! What moves on a terminal while a run works.

use anyhow::{Result, ensure};

use crate::support::{Screen, Stack};

#[test]
fn bars_fit_the_terminal_count_all_tables_and_leave_nothing() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--latency", "150", "--max-rows", "50"])?;
    let store = tempfile::tempdir()?;
    let mut screen = Screen::start(&["backup"], (80, 24), |run| run.on(&stack).store(store.path()))?;
    screen.wait_for("of 5 tables")?;
    screen.wait_for("/1,071 rows")?;
    // a bar that went on in the next line would leave its end there
    let text = screen.text();
    let is_bar = |line: &str| line.starts_with("public.") || line.contains(" of 5 tables ");
    ensure!(text.lines().all(|line| line.trim().is_empty() || is_bar(line)), "{text}");
    let left = screen.end()?;
    ensure!(left.code == 0 && left.is_restored, "exit code {}\n{}", left.code, left.text);
    ensure!(left.text.starts_with("complete: 1,071 rows of 5 tables"), "{}", left.text);
    Ok(())
}
