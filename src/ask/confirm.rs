//! The last question: the project's ref, typed by hand.

use super::{Ask, Unanswered};
use crate::model::RestorePlan;
use crate::render;

/// How often another text than the ref may be typed.
const TRIES: usize = 3;

/// Asks for the ref of the project that is written into. Returns only if it was typed.
pub fn confirm(ask: &mut dyn Ask, plan: &RestorePlan) -> Result<(), Unanswered> {
    ask.say(&render::last_word(plan, ask.width()))?;
    for left in (0..TRIES).rev() {
        let typed = ask.line("Type the project's ref to write, esc to leave:")?;
        let Err(difference) = not_this_project(&typed, &plan.to.name, &plan.from.name) else { return Ok(()) };
        let again = match left {
            0 => "That was the last try.".to_owned(),
            n => format!("{} left.", if n == 1 { "1 try is".to_owned() } else { format!("{n} tries are") }),
        };
        ask.say(&render::paragraph(&format!("No: {difference}. Nothing was written. {again}"), ask.width()))?;
    }
    Err(Unanswered::NotConfirmed)
}

/// Whether the text names the project that the plan writes into; if not, a phrase that says what differs.
pub fn not_this_project(typed: &str, wanted: &str, from: &str) -> Result<(), String> {
    let typed = typed.trim();
    if typed == wanted {
        return Ok(());
    }
    let said = render::flat(typed, 60);
    if typed.is_empty() {
        return Err(format!("nothing was typed, and the project to write into is {wanted}"));
    }
    if typed == from {
        return Err(format!(
            "{said} is the project that the snapshot was taken of; rows go into another one, {wanted}"
        ));
    }
    if typed.eq_ignore_ascii_case(wanted) {
        return Err(format!("{said} is not written like {wanted}: small and capital letters differ"));
    }
    if wanted.starts_with(typed) {
        return Err(format!("{said} is only the beginning of {wanted}"));
    }
    let same = wanted.chars().zip(typed.chars()).take_while(|(a, b)| a == b).count();
    Err(match same {
        0 => format!("{said} is another project than {wanted}"),
        same => format!("{said} is not {wanted}: they differ from character {} on", same + 1),
    })
}
