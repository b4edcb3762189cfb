//! `restore` with a person in front of it: on a real terminal, with keys, and without either.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::support::run::snapshots;
use crate::support::screen::{CTRL_C, DOWN, ENTER, ESC, LEFT, Left, SPACE};
use crate::support::{Run, Screen, Stack};

const SIZE: (u16, u16) = (80, 24);

/// A project that was backed up, and lost rows since.
struct Loss {
    stack: Stack,
    store: tempfile::TempDir,
    /// What it held at the time of the snapshot.
    before: String,
    /// What it holds now.
    after: String,
}

/// The contents of the tables that the stories change.
const CONTENTS: &str = "SELECT md5(string_agg(t::text, '|' ORDER BY id)), count(*) FROM public.manual_assessments t \
                        UNION ALL SELECT md5(string_agg(t::text, '|' ORDER BY id)), count(*) FROM public.voice_sessions t";

impl Loss {
    fn suffer(stack: Stack) -> Result<Self> {
        let store = tempfile::tempdir()?;
        // over the Data API these would fire, and the rows would differ by that: another story
        stack.sql(
            "DROP TRIGGER set_updated_at ON public.voice_sessions; DROP TRIGGER set_updated_at ON public.manual_assessments",
        )?;
        Run::new(&["backup"]).on(&stack).store(store.path()).expect(0)?;
        let before = stack.sql(CONTENTS)?;
        stack.sql(
            "DELETE FROM public.manual_assessments WHERE id IN (SELECT id FROM public.manual_assessments ORDER BY id LIMIT 5); \
             UPDATE public.manual_assessments SET prompt = 'spoiled' WHERE id IN (SELECT id FROM public.manual_assessments ORDER BY id LIMIT 3); \
             UPDATE public.voice_sessions SET topic = 'spoiled' WHERE id IN (SELECT id FROM public.voice_sessions ORDER BY id LIMIT 2)",
        )?;
        let after = stack.sql(CONTENTS)?;
        ensure!(before != after);
        Ok(Self { stack, store, before, after })
    }

    fn of_the_sample() -> Result<Self> {
        Self::suffer(Stack::up(&["--data", "sample"])?)
    }

    /// A project with many tables, some of which have names that do not fit on a line or try to leave it.
    fn of_many_tables() -> Result<Self> {
        let stack = Stack::up(&["--data", "sample"])?;
        stack.sql(
            "DO $$ BEGIN FOR n IN 1..150 LOOP \
               EXECUTE format('CREATE TABLE public.%I (id int PRIMARY KEY)', 'many_' || lpad(n::text, 3, '0')); \
             END LOOP; END $$; \
             CREATE TABLE public.\"long_name_that_takes_all_of_the_sixty_three_bytes_there_are_to_it\" (id int PRIMARY KEY); \
             CREATE TABLE public.\"日本語の表の名前はとても長くて幅が広いです\" (id int PRIMARY KEY); \
             CREATE TABLE public.\"turned\u{202e}round\" (id int PRIMARY KEY); \
             GRANT ALL ON ALL TABLES IN SCHEMA public TO service_role; \
             NOTIFY pgrst, 'reload schema'",
        )?;
        stack.script("restart-postgrest", &[])?;
        Self::suffer(stack)
    }

    fn reference(&self) -> &str {
        self.stack.get("SUPABASE_PROJECT_REF")
    }

    fn restore(&self, args: &[&str]) -> Result<Screen> {
        self.restore_with(args, SIZE, |run| run)
    }

    fn restore_with(&self, args: &[&str], size: (u16, u16), more: impl FnOnce(Run) -> Run) -> Result<Screen> {
        let args: Vec<&str> = ["restore"].into_iter().chain(args.iter().copied()).collect();
        Screen::start(&args, size, |run| more(run.on(&self.stack).store(self.store.path())))
    }

    /// Nothing was written: neither rows, nor a safety snapshot; and the terminal is as it was.
    fn is_untouched(&self, left: &Left) -> Result<()> {
        ensure!(left.code == 1, "exit code {}\n{}", left.code, left.text);
        ensure!(left.says("nothing was written"), "{}", left.text);
        ensure!(left.is_restored, "the terminal is not as it was\n{}", left.text);
        ensure!(self.stack.sql(CONTENTS)? == self.after, "rows were written\n{}", left.text);
        ensure!(snapshots(self.store.path())?.len() == 1, "a snapshot was taken\n{}", left.text);
        Ok(())
    }

    fn is_restored(&self, left: &Left) -> Result<()> {
        ensure!(left.code == 0, "exit code {}\n{}", left.code, left.text);
        ensure!(left.is_restored, "the terminal is not as it was\n{}", left.text);
        ensure!(self.stack.sql(CONTENTS)? == self.before, "the rows are not what they were\n{}", left.text);
        Ok(())
    }
}

/// The questions, in their order.
const QUESTIONS: [&str; 4] =
    ["Which snapshot?", "Which tables?", "What to do with the rows?", "Type the project's ref to write"];

/// The third entry of the modes, one key after the other.
fn choose_merge(screen: &mut Screen) -> Result<()> {
    for (at, key) in [("> into-empty", DOWN), ("> insert-missing", DOWN), ("> merge", ENTER)] {
        screen.wait_for(at)?;
        screen.press(key)?;
    }
    Ok(())
}

/// Answers so many questions: the newest snapshot, all tables, mode merge.
fn answer(screen: &mut Screen, questions: usize) -> Result<()> {
    for (number, question) in QUESTIONS.iter().enumerate().take(questions) {
        screen.wait_for(question)?;
        if number == 2 {
            choose_merge(screen)?;
        } else {
            screen.press(ENTER)?;
        }
    }
    QUESTIONS.get(questions).map_or(Ok(()), |next| screen.wait_for(next))
}

#[test]
fn a_person_is_led_from_the_snapshot_to_the_proof() -> Result<()> {
    let loss = Loss::of_the_sample()?;
    let mut screen = loss.restore(&[])?;
    screen.wait_for("Which snapshot?")?;
    for text in ["complete", "1,071 rows", "unverified"] {
        screen.wait_for(text)?;
    }
    screen.press(ENTER)?;
    screen.wait_for("Which tables?")?;
    for text in ["[x]", "287 rows public.voice_sessions", "782 rows public.manual_assessments"] {
        screen.wait_for(text)?;
    }
    screen.press(ENTER)?;
    screen.wait_for("What to do with the rows?")?;
    for text in ["into-empty", "insert-missing", "merge", "clear"] {
        screen.wait_for(text)?;
    }
    choose_merge(&mut screen)?;
    screen.wait_for("Type the project's ref to write")?;
    ensure!(loss.stack.sql(CONTENTS)? == loss.after, "rows were written before the confirmation");
    ensure!(snapshots(loss.store.path())?.len() == 1, "a snapshot was taken before the confirmation");
    // the command that undoes it stays on one line, however long
    let wrapped = screen.wrapped();
    screen.press(&format!("{}{ENTER}", loss.reference()))?;
    let left = screen.end()?;
    // the preview's numbers
    for text in ["5 rows to add, 5 to change and 0 to delete", "5 rows will be added, 5 changed and 0 deleted"] {
        ensure!(left.says(text), "{text} is not in\n{}", left.text);
    }
    ensure!(wrapped.is_empty(), "wrapped: {wrapped:?}");
    ensure!(left.says("safety snapshot"), "{}", left.text);
    loss.is_restored(&left)
}

#[test]
fn another_ref_writes_nothing_and_three_of_them_end_it() -> Result<()> {
    let loss = Loss::of_the_sample()?;
    let mut screen = loss.restore(&[])?;
    answer(&mut screen, 3)?;
    screen.press(&format!("nonsense{ENTER}"))?;
    screen.wait_for("2 tries are left")?;
    ensure!(screen.says("nonsense is another project than"), "{}", screen.text());
    let almost = &loss.reference()[..loss.reference().len() - 1];
    screen.press(&format!("{almost}{ENTER}"))?;
    screen.wait_for("1 try is left")?;
    ensure!(screen.says("only the beginning of"), "{}", screen.text());
    screen.press(&format!("{}{ENTER}", loss.reference().to_uppercase()))?;
    let left = screen.end()?;
    ensure!(left.says("the last try"), "{}", left.text);
    loss.is_untouched(&left)
}

#[test]
fn a_wrong_ref_can_be_corrected() -> Result<()> {
    let loss = Loss::of_the_sample()?;
    let mut screen = loss.restore(&[
        "latest",
        "--table",
        "public.manual_assessments",
        "--table",
        "public.voice_sessions",
        "--mode",
        "merge",
    ])?;
    // all that can be said with flags is not asked
    screen.wait_for("Type the project's ref to write")?;
    ensure!(QUESTIONS[..3].iter().all(|question| !screen.says(question)), "{}", screen.text());
    screen.press(&format!("x{ENTER}"))?;
    screen.wait_for("2 tries are left")?;
    screen.press(&format!("{}{ENTER}", loss.reference()))?;
    loss.is_restored(&screen.end()?)
}

#[test]
fn whoever_leaves_at_any_question_has_written_nothing() -> Result<()> {
    let loss = Loss::of_the_sample()?;
    for key in [CTRL_C, ESC] {
        for (number, question) in QUESTIONS.iter().enumerate() {
            let mut screen = loss.restore(&[])?;
            answer(&mut screen, number)?;
            screen.press(key)?;
            let left = screen.end()?;
            loss.is_untouched(&left).with_context(|| format!("{key:?} at {question:?}"))?;
            // nothing of the question is left behind what is said last
            let last = left.text.lines().map(str::trim_end).rfind(|line| !line.is_empty());
            ensure!(last == Some("error: left at a question: nothing was written"), "{key:?}: {}", left.text);
        }
    }
    Ok(())
}

#[test]
fn a_signal_at_any_question_gives_the_terminal_back() -> Result<()> {
    let loss = Loss::of_the_sample()?;
    for (questions, signal) in [(0, "TERM"), (1, "INT"), (3, "TERM")] {
        let mut screen = loss.restore(&[])?;
        answer(&mut screen, questions)?;
        if questions < 3 {
            // the last line of a list: it is drawn
            screen.wait_for("type to filter")?;
        }
        screen.signal(signal)?;
        let left = screen.end()?;
        ensure!(left.says(&format!("stopped by SIG{signal}")), "{}", left.text);
        loss.is_untouched(&left).with_context(|| format!("SIG{signal} at {:?}", QUESTIONS[questions]))?;
    }
    Ok(())
}

#[test]
fn eighty_columns_are_enough_whatever_the_names() -> Result<()> {
    let loss = Loss::of_many_tables()?;
    let mut screen = loss.restore(&[])?;
    answer(&mut screen, 1)?;
    // the end of the list, where the odd names are
    for name in ["long_name", "日本", "turned"] {
        screen.press(name)?;
        screen.wait_without("many_001")?;
        screen.wait_for(name)?;
        ensure!(!screen.text().contains('\u{202e}'), "a name turns the line\n{}", screen.text());
        screen.press(&"\u{7f}".repeat(name.chars().count()))?;
        screen.wait_for("many_001")?;
    }
    screen.press(ENTER)?;
    answer_from(&mut screen, 2)?;
    let wrapped = screen.wrapped();
    ensure!(wrapped.is_empty(), "wrapped: {wrapped:?}");
    screen.press(ESC)?;
    loss.is_untouched(&screen.end()?)
}

/// Answers the mode and waits for the last question.
fn answer_from(screen: &mut Screen, question: usize) -> Result<()> {
    screen.wait_for(QUESTIONS[question])?;
    choose_merge(screen)?;
    screen.wait_for(QUESTIONS[question + 1])
}

#[test]
fn tables_are_found_by_typing_and_chosen_one_by_one() -> Result<()> {
    let loss = Loss::of_many_tables()?;
    let mut screen = loss.restore(&["latest"])?;
    screen.wait_for("Which tables?")?;
    // none at all is no choice
    screen.press(&format!("{LEFT}{ENTER}"))?;
    screen.wait_for("No table is chosen")?;
    screen.press(LEFT)?;
    screen.press("voice_se")?;
    screen.wait_without("many_001")?;
    screen.press(&format!("{SPACE}{ENTER}"))?;
    answer_from(&mut screen, 2)?;
    ensure!(screen.says("0 rows will be added, 2 changed and 0 deleted in 1 table"), "{}", screen.text());
    screen.press(&format!("{}{ENTER}", loss.reference()))?;
    let left = screen.end()?;
    ensure!(left.code == 0 && left.is_restored, "exit code {}\n{}", left.code, left.text);
    ensure!(loss.stack.sql("SELECT count(*) FROM public.voice_sessions WHERE topic = 'spoiled'")?.trim() == "0");
    ensure!(loss.stack.sql("SELECT count(*) FROM public.manual_assessments WHERE prompt = 'spoiled'")?.trim() == "3");
    Ok(())
}

#[test]
fn a_window_may_change_its_size_at_a_question() -> Result<()> {
    let loss = Loss::of_the_sample()?;
    let mut screen = loss.restore(&[])?;
    answer(&mut screen, 1)?;
    for (columns, lines) in [(50, 15), (120, 40), (80, 24)] {
        screen.resize(columns, lines)?;
        // The library that reads keys may leave a key that comes together with the signal of the new size
        // until the next key is pressed. Nothing on the screen shows that the signal was taken.
        std::thread::sleep(Duration::from_secs(1));
        screen.press(DOWN)?;
    }
    screen.press(ENTER)?;
    answer_from(&mut screen, 2)?;
    screen.press(&format!("{}{ENTER}", loss.reference()))?;
    loss.is_restored(&screen.end()?)
}

#[test]
fn a_row_that_comes_while_the_person_reads_is_not_overwritten() -> Result<()> {
    let loss = Loss::of_the_sample()?;
    let gone =
        loss.stack.sql("SELECT id FROM public.voice_sessions WHERE topic <> 'spoiled' ORDER BY id DESC LIMIT 1")?;
    let (gone, park) = (gone.trim(), "CREATE TABLE public.parked AS SELECT * FROM public.voice_sessions");
    loss.stack.sql(&format!("{park} WHERE id = '{gone}'; DELETE FROM public.voice_sessions WHERE id = '{gone}'"))?;
    let mut screen = loss.restore(&["latest", "--table", "public.voice_sessions", "--mode", "merge"])?;
    screen.wait_for(QUESTIONS[3])?;
    loss.stack
        .sql("UPDATE public.parked SET topic = 'new'; INSERT INTO public.voice_sessions SELECT * FROM public.parked")?;
    screen.press(&format!("{}{ENTER}", loss.reference()))?;
    let left = screen.end()?;
    ensure!(left.code == 3, "exit code {}\n{}", left.code, left.text);
    ensure!(
        loss.stack.sql("SELECT count(*) FROM public.voice_sessions WHERE topic = 'new'")? == "1\n",
        "{}",
        left.text
    );
    Ok(())
}

#[test]
fn a_narrow_window_is_enough() -> Result<()> {
    let loss = Loss::of_the_sample()?;
    let mut screen = loss.restore_with(&[], (60, 18), |run| run)?;
    answer(&mut screen, 3)?;
    screen.press(&format!("{}{ENTER}", loss.reference()))?;
    loss.is_restored(&screen.end()?)
}

#[test]
fn without_colours_there_are_none() -> Result<()> {
    let loss = Loss::of_the_sample()?;
    let mut screen = loss.restore_with(&[], SIZE, |run| run.env("NO_COLOR", "1"))?;
    for question in &QUESTIONS[..3] {
        screen.wait_for(question)?;
        ensure!(!screen.has_colours(), "{}", screen.text());
        screen.press(ENTER)?;
    }
    // the first mode refuses tables with rows, which is said instead of being done
    let left = screen.end()?;
    ensure!(left.is_restored && left.code != 0, "exit code {}\n{}", left.code, left.text);
    ensure!(loss.stack.sql(CONTENTS)? == loss.after);
    Ok(())
}

#[test]
fn nobody_is_asked_in_ci_or_without_a_terminal() -> Result<()> {
    let loss = Loss::of_the_sample()?;
    let given = ["latest", "--mode", "merge"];
    let ci = loss.restore_with(&given, SIZE, |run| run.env("CI", "1"))?.end()?;
    ensure!(ci.code == 2 && ci.says("--confirm"), "exit code {}\n{}", ci.code, ci.text);
    let args: Vec<&str> = ["restore"].into_iter().chain(given).collect();
    let plain = || Run::new(&args).on(&loss.stack).store(loss.store.path());
    let ran = plain().expect(2)?;
    ensure!(ran.stderr.contains("--confirm"), "{}", ran.stderr);
    for text in [&ci.text, &ran.stderr] {
        ensure!(QUESTIONS.iter().all(|question| !text.contains(question)), "{text}");
    }
    ensure!(loss.stack.sql(CONTENTS)? == loss.after, "rows were written");
    // another project's ref does not do
    let args: Vec<&str> = args.iter().copied().chain(["--confirm", "abcdefghijklmnopqrst"]).collect();
    let ran = Run::new(&args).on(&loss.stack).store(loss.store.path()).expect(2)?;
    ensure!(ran.stderr.contains("another project than"), "{}", ran.stderr);
    ensure!(loss.stack.sql(CONTENTS)? == loss.after, "rows were written");
    // the right one does, in CI too
    let args: Vec<&str> =
        args.iter().map(|arg| if *arg == "abcdefghijklmnopqrst" { loss.reference() } else { arg }).collect();
    let left = Screen::start(&args, SIZE, |run| run.on(&loss.stack).store(loss.store.path()).env("CI", "1"))?.end()?;
    loss.is_restored(&left)
}

#[test]
fn a_dry_run_on_a_terminal_asks_what_to_restore_and_writes_nothing() -> Result<()> {
    let loss = Loss::of_the_sample()?;
    let mut screen = loss.restore(&["--dry-run"])?;
    answer(&mut screen, 2)?;
    choose_merge(&mut screen)?;
    let left = screen.end()?;
    ensure!(left.code == 0 && left.is_restored, "exit code {}\n{}", left.code, left.text);
    ensure!(left.says("5 rows to add, 5 to change and 0 to delete"), "{}", left.text);
    ensure!(!left.says(QUESTIONS[3]), "{}", left.text);
    ensure!(loss.stack.sql(CONTENTS)? == loss.after, "rows were written");
    Ok(())
}
