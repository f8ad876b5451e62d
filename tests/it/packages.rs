//! What tests need from the system besides the compiler and a shell.
//!
//! A test whose package is missing fails and names it. With `RANDOMLIKE_SKIP_MISSING=1` it goes
//! without, and says so.

const SKIP: &str = "RANDOMLIKE_SKIP_MISSING";

/// What was found of Debian's `package`; `None` where the test is to go without.
///
/// # Panics
/// Where it is missing and the environment does not say that tests go without.
pub fn needed<T>(package: &str, found: Option<T>) -> Option<T> {
    let skip = std::env::var(SKIP).is_ok_and(|value| value == "1");
    let found = decided(package, found, skip).unwrap_or_else(|missing| panic!("{missing}"));
    if found.is_none() {
        // Written past the capture of passing tests.
        let text = format!("\n*** SKIPPED for want of {package} ***\n");
        std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
    }
    found
}

fn decided<T>(package: &str, found: Option<T>, skip: bool) -> Result<Option<T>, String> {
    if found.is_none() && !skip {
        return Err(format!(
            "{package} is missing: install Debian's package, or set {SKIP}=1 to test without it"
        ));
    }
    Ok(found)
}

#[test]
fn a_missing_package_fails_unless_told_otherwise() {
    assert_eq!(decided("browser", Some(1), false), Ok(Some(1)));
    assert_eq!(decided::<u8>("browser", None, true), Ok(None));
    let said = decided::<u8>("browser", None, false).unwrap_err();
    assert!(said.contains("browser is missing") && said.contains(SKIP));
}
