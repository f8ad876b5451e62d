//! Templates to pages: everything escaped, one style.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, HtmlEscape, Value};
use serde::Serialize;

use crate::{Error, Result};
use randomlike_core::display_names::harmless;

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
    environment.add_filter("said", said);
    environment.add_template(name, template)?;
    let page = environment.get_template(name)?.render(Serde(page))?;
    Ok(harmless(&page).into_bytes())
}

/// A sentence, escaped, in which what stands between two backticks is set as code.
fn said(sentence: &str) -> Value {
    let escaped = HtmlEscape(sentence).to_string();
    let mut page = String::new();
    let mut rest = escaped.as_str();
    while let Some((before, (code, after))) = rest
        .split_once('`')
        .and_then(|(before, rest)| Some((before, rest.split_once('`')?)))
    {
        page.extend([before, "<code>", code, "</code>"]);
        rest = after;
    }
    page.push_str(rest);
    Value::from_safe_string(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_code_and_nothing_is_markup() {
        let said = |sentence: &str| said(sentence).to_string();
        assert_eq!(said("no quote"), "no quote");
        assert_eq!(said("`a` & `b`."), "<code>a</code> &amp; <code>b</code>.");
        assert_eq!(said("one ` alone"), "one ` alone");
        assert_eq!(said("`a` and ` alone"), "<code>a</code> and ` alone");
        assert_eq!(
            said("`</code><script>`"),
            "<code>&lt;&#x2f;code&gt;&lt;script&gt;</code>"
        );
        assert_eq!(said("``"), "<code></code>");
    }
}
