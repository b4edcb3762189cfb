//! In a step of a workflow: what the runner makes of what the real binary prints and leaves in files.

mod log;
mod step;

use supabackup::stdio::harmless;

use crate::support::runner::Runner;

#[test]
fn the_rules_are_those_of_the_runner() {
    let taken = |line: &str| Runner::new().read(line).len();
    for line in [
        "::error::x",
        " \t\u{a0}::ERROR file=a,line=1::x",
        "a\r::debug::x",
        "words ##[error]x",
        "##[group]",
        "::add-mask::a::b",
    ] {
        assert_eq!(taken(line), 1, "{line:?}");
    }
    for line in
        ["x ::error::x", "::no-such::x", "::error:x", "# #[error]", "##[error", "::stop-commands::w\n::error::x"]
    {
        assert_eq!(taken(line), 0, "{line:?}");
    }
    let mut runner = Runner::new();
    let commands = runner.read("-- ##[stop-commands]Abc\n::error::x\n-- ##[abc]\n::error title=a%3Ab%2C%25::x%0Ay\n");
    assert_eq!(commands.len(), 1);
    assert_eq!((commands[0].properties["title"].as_str(), commands[0].data.as_str()), ("a:b,%", "x\ny"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(3000))]
    #[test]
    fn no_text_is_a_command_once_it_is_harmless(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "::", ":", "#", "##[", "[", "]", "error", "stop-commands", " ", "\n", "\r", "\t", "\u{a0}", "\u{200b}", "\u{1}", "x",
            "add-mask", "\u{feff}", "\\u003a", "title=a",
        ]), 0..14)
    ) {
        let text = pieces.concat();
        let mut runner = Runner::new();
        let commands = runner.read(&harmless(&text));
        proptest::prop_assert!(commands.is_empty() && runner.listens(), "{:?}: {:?}", text, commands);
    }
}
