//! `action.yml` says what the code says: an input for every setting, and no other.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use supabackup::config::{SETTINGS, Setting, Unset};

use super::{read, root, text_of, yaml};

/// Settings that are no inputs, and why. Nor are those that the runner sets, which say so, and those that
/// no variable gives.
const NO_INPUT: [(&str, &str); 9] = [
    ("clock", "is for tests, and never for real backups"),
    ("aws_container_uri", "an ECS task has it, a job does not"),
    ("aws_container_url", "an EKS pod has it, a job does not"),
    ("aws_container_token_file", "an EKS pod has it, a job does not"),
    ("aws_web_identity_token_file", "a job's token is asked for, not read from a file"),
    ("restore_into", "a drill needs psql, which the image does not have"),
    ("pgpassword", "a drill needs psql, which the image does not have"),
    ("pgpassfile", "a drill needs psql, which the image does not have"),
    ("path", "it is the image's own"),
];

/// Inputs that have a value when nobody gives one.
const GIVEN: [(&str, &str); 1] = [("github_token", "${{ github.token }}")];

/// Inputs that are no settings.
const NO_SETTING: [&str; 1] = ["command"];

const BEGIN: &str = "settings:begin (made from src/config/settings.rs: UPDATE_DOCS=1 cargo test --test it packaging)";
const END: &str = "settings:end";

fn inputs() -> impl Iterator<Item = &'static Setting> {
    let given = |setting: &&Setting| !setting.variables.is_empty() && !setting.help.ends_with("set by the runner");
    SETTINGS.iter().filter(given).filter(|setting| NO_INPUT.iter().all(|(name, _)| *name != setting.name))
}

fn input(setting: &Setting) -> String {
    setting.name.replace('_', "-")
}

/// `the project's URL` → `The project's URL. Default: …`, as YAML takes it on one line.
fn description(setting: &Setting) -> String {
    let mut help = setting.help.to_owned();
    if let Some(first) = help.get(..1).map(str::to_uppercase) {
        help.replace_range(..1, &first);
    }
    let default = match setting.default {
        Unset::Value(text) | Unset::Described(text) => format!(" Default: {text}."),
        Unset::Nothing => String::new(),
    };
    serde_json::Value::String(format!("{help}.{default}")).to_string()
}

/// The two blocks of `action.yml` that follow from the table of settings.
fn blocks() -> [String; 2] {
    let mut declared = String::new();
    let mut mapped = String::new();
    for setting in inputs() {
        let (name, variable) = (input(setting), setting.variables.first().copied().unwrap_or_default());
        declared += &format!("  {name}:\n    description: {}\n", description(setting));
        if let Some((_, value)) = GIVEN.iter().find(|(given, _)| *given == setting.name) {
            declared += &format!("    default: {value}\n");
        }
        mapped += &format!("    {variable}: ${{{{ inputs.{name} }}}}\n");
    }
    [declared, mapped]
}

#[test]
fn there_is_an_input_for_every_setting_and_no_other() -> Result<()> {
    let text = read("action.yml")?;
    let mut right = String::new();
    let mut rest = text.as_str();
    for (block, indent) in blocks().into_iter().zip(["  ", "    "]) {
        let (begin, end) = (format!("{indent}# {BEGIN}\n"), format!("{indent}# {END}\n"));
        let (before, after) = rest.split_once(&begin).context("action.yml has lost its marks")?;
        let (_, behind) = after.split_once(&end).context("action.yml has lost its marks")?;
        right += &format!("{before}{begin}{block}{end}");
        rest = behind;
    }
    right += rest;
    #[expect(clippy::disallowed_methods, reason = "asks the person who runs the tests")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(root().join("action.yml"), &right)?;
    } else {
        ensure!(text == right, "action.yml differs from the settings: UPDATE_DOCS=1 cargo test --test it packaging");
    }

    let action = yaml("action.yml")?;
    let declared: BTreeSet<String> = action["inputs"].as_object().context("no inputs")?.keys().cloned().collect();
    let known: BTreeSet<String> = inputs().map(input).chain(NO_SETTING.map(str::to_owned)).collect();
    ensure!(declared == known, "declared: {declared:?}\nknown: {known:?}");
    for (name, _) in NO_INPUT {
        ensure!(SETTINGS.iter().any(|setting| setting.name == name), "{name} is not a setting any more");
    }
    for (name, given) in action["inputs"].as_object().into_iter().flatten() {
        ensure!(!text_of(&given["description"]).is_empty(), "{name} is not described");
        // what nobody gives must stay unset, or it would win over the configuration file
        let may = name == "command" || GIVEN.iter().any(|(given, _)| given.replace('_', "-") == *name);
        ensure!(may || given["default"].is_null(), "{name} has a default");
        ensure!(given["required"].is_null(), "{name}: what is required, the program says, and better");
    }
    let variables = action["runs"]["env"].as_object().context("no variables")?;
    let mapped: BTreeSet<&str> = variables.keys().map(String::as_str).collect();
    let expected: BTreeSet<&str> = inputs().filter_map(|setting| setting.variables.first().copied()).collect();
    ensure!(mapped == expected, "{mapped:?}");
    Ok(())
}

#[test]
fn nothing_that_a_user_writes_goes_through_a_shell() -> Result<()> {
    let runs = yaml("action.yml")?["runs"].clone();
    ensure!(runs["using"] == "docker", "{runs}");
    // the runner puts arguments between quotes; all but the command come through the environment
    ensure!(runs["args"] == serde_json::json!(["${{ inputs.command }}"]), "{}", runs["args"]);
    ensure!(["entrypoint", "pre-entrypoint", "post-entrypoint"].iter().all(|key| runs[*key].is_null()), "{runs}");
    // built from this very commit, or the image of a release by its digest: never what a tag happens to be
    let image = text_of(&runs["image"]);
    let digest = image.split_once("@sha256:").map(|(_, digest)| digest.len());
    ensure!(image == "Dockerfile" || (image.starts_with("docker://ghcr.io/") && digest == Some(64)), "{image}");
    Ok(())
}
