//! The start page: what runs here, for a person who opened the port in a browser.
//!
//! It shows nothing secret, asks for nothing, and needs no script.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};
use serde_json::Value;

use crate::api::blocking;
use crate::error::ConsoleError;
use crate::state::{About, ConsoleState};

const STYLE: &str = include_str!("../assets/console.css");

/// The page at `/`.
pub(crate) async fn page(State(state): State<ConsoleState>) -> Result<Response, ConsoleError> {
    let about = state.about.clone();
    let endpoints = blocking(move || Ok(state.endpoints.list())).await?;
    if let Err(error) = &endpoints {
        tracing::warn!(%error, "endpoints cannot be listed");
    }
    let names = endpoints.ok().as_ref().and_then(names);
    Ok(Html(render(&about, names.as_deref())).into_response())
}

/// The style sheet of the page.
pub(crate) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// Names in a list of endpoints; nothing when it is no such list.
fn names(endpoints: &Value) -> Option<Vec<String>> {
    let name = |endpoint: &Value| Some(endpoint.get("name")?.as_str()?.to_owned());
    endpoints.as_array()?.iter().map(name).collect()
}

fn render(about: &About, endpoints: Option<&[String]>) -> String {
    let version = escape(&about.version);
    let gateway = escape(&about.gateway_url);
    let endpoints = match endpoints {
        None => "<p>The endpoints cannot be listed right now.</p>".to_owned(),
        Some([]) => {
            "<p>There is none yet. <code>bartizan init</code> writes a policy file with one.</p>"
                .to_owned()
        }
        Some(names) => {
            let mut list = String::from("<ul>");
            for name in names {
                // Writing to a string never fails.
                let _ = write!(list, "<li><code>{}</code></li>", escape(name));
            }
            list.push_str("</ul>");
            list
        }
    };
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bartizan console</title>
<link rel="stylesheet" href="/console.css">
</head>
<body>
<main>
<h1>Bartizan</h1>
<p>Version {version} runs here and guards the models behind <code>{gateway}</code>.</p>
<h2>Endpoints</h2>
{endpoints}
<h2>State</h2>
<ul>
<li><a href="/healthz">Health</a>: the process is up</li>
<li><a href="/readyz">Readiness</a>: it can serve</li>
<li><a href="/metrics">Metrics</a>: for Prometheus</li>
</ul>
<p>Keys, endpoints and events are managed under <code>/api/v1</code> with an admin key.</p>
</main>
</body>
</html>
"#
    )
}

/// Text as HTML shows it, in elements and in quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_wrote_is_shown_as_text() {
        let about = About {
            version: "<script>alert(1)</script>".to_owned(),
            gateway_url: "\"><img src=x>".to_owned(),
        };
        let page = render(&about, Some(&["<b onclick='x'>&".to_owned()]));
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b "));
        assert!(page.contains("<code>&lt;b onclick=&#39;x&#39;&gt;&amp;</code>"), "{page}");
    }

    #[test]
    fn says_when_there_is_no_endpoint_and_when_it_cannot_know() {
        let about = About { version: "1".to_owned(), gateway_url: String::new() };
        assert!(render(&about, Some(&[])).contains("bartizan init"));
        assert!(render(&about, None).contains("cannot be listed"));
        assert_eq!(names(&json!([{ "name": "a" }])), Some(vec!["a".to_owned()]));
        assert_eq!(names(&json!({ "name": "a" })), None);
        assert_eq!(names(&json!([{ "title": "a" }])), None);
    }
}
