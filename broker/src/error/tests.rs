//! What an operator reads.

use super::*;

#[test]
fn a_finding_is_shown_with_its_line_cause_and_fix() {
    let text: Arc<str> = "directory = \"directory\"\nhostz = []\n".into();
    let finding = Diagnostic::error("daypass.toml", "unknown field `hostz`")
        .within(&text, 24, 5)
        .because("only known fields are read")
        .fix("did you mean `hosts`?");
    assert_eq!((finding.line, finding.column), (2, 1));
    insta::assert_snapshot!(Diagnostics::from(finding).to_text(false), @r"
      × error: unknown field `hostz`: only known fields are read
       ╭─[daypass.toml:2:1]
     2 │ hostz = []
       · ─────
       ╰────
      help: did you mean `hosts`?
    ");
}

#[test]
fn json_has_file_line_cause_and_fix() {
    let finding = Diagnostic::error("a.toml", "no `id`").at(3, 2).fix("add one");
    insta::assert_snapshot!(serde_json::to_string(&Diagnostics::from(finding)).unwrap(), @r#"[{"severity":"error","file":"a.toml","line":3,"column":2,"message":"no `id`","fix":"add one"}]"#);
}

#[test]
fn a_line_with_a_password_is_not_shown() {
    let text: Arc<str> = "url = \"redis://u:hunter2@host\"\n".into();
    let finding = Diagnostic::error("daypass.toml", "bad").within(&text, 0, 3);
    assert!(!Diagnostics::from(finding).to_text(false).contains("hunter2"));
}

#[test]
fn h08_control_characters_are_escaped() {
    let finding = Diagnostic::error("a\u{1b}[31m.toml", "bad `\u{1b}[2J\r\n`");
    let shown = Diagnostics::from(finding).to_text(false);
    assert!(!shown.contains('\u{1b}') && !shown.contains('\r'), "{shown:?}");
}

#[test]
fn findings_are_ordered_by_place_and_told_once() {
    let at = |line| Diagnostic::error("a.toml", "x").at(line, 1);
    let sorted: Diagnostics = [at(3), at(1), at(3)].into_iter().collect();
    let lines: Vec<usize> = sorted.sorted().iter().map(|found| found.line).collect();
    assert_eq!(lines, [1, 3]);
}
