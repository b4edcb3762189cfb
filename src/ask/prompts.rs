//! Questions on a real terminal.

use std::fmt;

use inquire::list_option::ListOption;
use inquire::ui::RenderConfig;
use inquire::{InquireError, MultiSelect, Select, Text};

use super::{Ask, Entry, Unanswered};
use crate::context::Terminal;
use crate::stdio;

/// Asks on stderr, with keys from stdin.
pub(super) struct Prompts {
    look: RenderConfig<'static>,
    width: usize,
    /// Entries that are seen at once.
    page: usize,
}

/// Lines that a list needs beside its entries, and one to see where it came from.
const AROUND: usize = 4;

impl Prompts {
    pub(super) fn new(terminal: &Terminal) -> Self {
        let look = if terminal.color { RenderConfig::default_colored() } else { RenderConfig::empty() };
        let height = terminal.height.map_or(24, usize::from);
        Self {
            look,
            width: terminal.width.map_or(80, usize::from).max(20),
            page: height.saturating_sub(AROUND).clamp(3, 15),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

const HELP_ONE: &str = "↑↓ move, enter chooses, type to filter, esc leaves";
const HELP_SOME: &str = "↑↓ move, space toggles, → all, ← none, enter goes on, type to filter";

/// The filter looks into the whole text: the label may be cut.
fn matches(typed: &str, entry: &Entry) -> Option<i64> {
    entry.whole.to_lowercase().contains(&typed.to_lowercase()).then_some(0)
}

impl Ask for Prompts {
    fn width(&self) -> usize {
        self.width
    }

    fn say(&mut self, text: &str) -> Result<(), Unanswered> {
        stdio::show(text).map_err(|e| Unanswered::Broken(e.to_string()))
    }

    fn one_of(&mut self, question: &str, entries: &[Entry]) -> Result<usize, Unanswered> {
        let answer = Select::new(question, entries.to_vec())
            .with_render_config(self.look)
            .with_page_size(self.page)
            .with_help_message(HELP_ONE)
            .with_scorer(&|typed, entry: &Entry, _, _| matches(typed, entry))
            .with_formatter(&|chosen: ListOption<&Entry>| chosen.value.short.clone())
            .raw_prompt();
        answer.map(|chosen| chosen.index).map_err(unanswered)
    }

    fn some_of(&mut self, question: &str, entries: &[Entry]) -> Result<Vec<usize>, Unanswered> {
        let all = entries.len();
        let answer = MultiSelect::new(question, entries.to_vec())
            .with_render_config(self.look)
            .with_page_size(self.page)
            .with_help_message(HELP_SOME)
            .with_all_selected_by_default()
            .with_scorer(&|typed, entry: &Entry, _, _| matches(typed, entry))
            .with_formatter(&|chosen: &[ListOption<&Entry>]| match chosen {
                [one] => one.value.short.clone(),
                several => format!("{} of {all}", several.len()),
            })
            .raw_prompt();
        answer.map(|chosen| chosen.into_iter().map(|one| one.index).collect()).map_err(unanswered)
    }

    fn line(&mut self, question: &str) -> Result<String, Unanswered> {
        let answer = Text::new(question).with_render_config(self.look).prompt();
        answer.map(|text| text.trim().to_owned()).map_err(unanswered)
    }
}

fn unanswered(error: InquireError) -> Unanswered {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => Unanswered::Left,
        other => Unanswered::Broken(other.to_string()),
    }
}
