//! Templates to pages: everything escaped, one style.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value};
use serde::Serialize;

use crate::names::harmless;
use crate::{Error, Result};

const STYLE: &str = include_str!("style.css");

/// The bytes of `page` in this template.
pub(super) fn render(
    name: &'static str,
    template: &'static str,
    page: impl Serialize,
) -> Result<Vec<u8>> {
    rendered(name, template, page).map_err(|e| Error::Draw {
        what: name.into(),
        reason: e.to_string(),
    })
}

fn rendered(
    name: &'static str,
    template: &'static str,
    page: impl Serialize,
) -> std::result::Result<Vec<u8>, minijinja::Error> {
    let mut environment = Environment::new();
    // Names come from strangers; everything in the page is escaped but the style, which is ours.
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    environment.add_global("style", Value::from_safe_string(STYLE.trim_end().into()));
    environment.add_template(name, template)?;
    let page = environment.get_template(name)?.render(Serde(page))?;
    Ok(harmless(&page).into_bytes())
}
