//! On a terminal.

use anyhow::{Result, ensure};

use crate::prune::{Shelf, days, hours};
use crate::support::Screen;
use crate::support::screen::CTRL_C;

#[tokio::test]
async fn the_view_fits_terminals_of_any_width() -> Result<()> {
    let shelf = Shelf::new().await?;
    for day in 1..12 {
        shelf.good(days(day) + hours(8))?;
    }
    for width in [80, 40, 132] {
        let screen = Screen::start(&["monitor"], (width, 60), |run| run.store(shelf.root()))?;
        let left = {
            let mut screen = screen;
            screen.wait_for("1 error")?;
            ensure!(screen.has_colours(), "no colours");
            ensure!(screen.wrapped().is_empty(), "{width}: {:?}", screen.wrapped());
            screen.end()?
        };
        ensure!(left.code == 4 && left.is_restored, "{left:?}");
        ensure!(left.says("TABLE ROWS") && left.says("error [stale] snapshots:"), "{}", left.text);
        ensure!(left.says("WEEK TREND STATE") == (width > 60), "{width}: {}", left.text);
    }
    Ok(())
}

#[tokio::test]
async fn a_watch_looks_again_and_ctrl_c_ends_it_cleanly() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(12)?;
    let mut screen = Screen::start(&["monitor", "--watch", "1s"], (80, 40), |run| run.store(shelf.root()))?;
    screen.wait_for("all is well")?;
    ensure!(screen.says("12 complete snapshots"), "{}", screen.text());
    shelf.incomplete(hours(0))?;
    screen.wait_for("1 error")?;
    ensure!(screen.says("error [incomplete] snapshots:") && !screen.says("all is well"), "{}", screen.text());
    screen.press(CTRL_C)?;
    let left = screen.end()?;
    ensure!(left.code == 4 && left.is_restored && !left.says("stopped by"), "{left:?}");
    Ok(())
}
