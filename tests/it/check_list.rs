//! What must follow the list of checks: the example of docs/contributing.md, and the pages that
//! name every check.

use std::fs;

use randomlike::checks::Check;

#[test]
fn the_example_is_the_code_that_is_tested() {
    let page = fs::read_to_string("docs/contributing.md").unwrap();
    let code = fs::read_to_string("crates/judge/src/checks/worked_example.rs").unwrap();
    assert!(
        page.contains(&format!("```rust\n{code}```\n")),
        "docs/contributing.md shows another check than worked_example.rs"
    );
}

#[test]
fn every_check_is_in_the_table_of_a_report() {
    let page = fs::read_to_string("docs/reading-a-report.md").unwrap();
    for check in Check::ALL {
        assert!(page.contains(&format!("`{check}`")), "{check}");
    }
}
