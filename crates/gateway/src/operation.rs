//! What a request asks for, told by method and path.

use http::Method;

/// In whose words the gateway speaks to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    OpenAi,
    Anthropic,
    Databricks,
    /// RFC 6749.
    OAuth,
}

/// What is asked of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    ChatCompletions,
    Responses,
    Completions,
    Embeddings,
    Moderations,
    Messages,
    CountTokens,
    /// Databricks' one path for all; the body tells which.
    Invocations,
    Models,
    Model,
    /// Makes a short token of another credential; asks nothing of a model.
    TokenExchange,
}

impl Operation {
    /// Every operation, for tables and tests.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 11] = [
        Self::ChatCompletions,
        Self::Responses,
        Self::Completions,
        Self::Embeddings,
        Self::Moderations,
        Self::Messages,
        Self::CountTokens,
        Self::Invocations,
        Self::Models,
        Self::Model,
        Self::TokenExchange,
    ];

    /// Name used in events and metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat-completions",
            Self::Responses => "responses",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Moderations => "moderations",
            Self::Messages => "messages",
            Self::CountTokens => "count-tokens",
            Self::Invocations => "invocations",
            Self::Models => "models",
            Self::Model => "model",
            Self::TokenExchange => "token-exchange",
        }
    }
}

/// One line of the route table.
struct Route {
    method: Method,
    /// `{}` stands for one path segment.
    path: &'static str,
    operation: Operation,
    dialect: Dialect,
}

const fn route(
    method: Method,
    path: &'static str,
    operation: Operation,
    dialect: Dialect,
) -> Route {
    Route { method, path, operation, dialect }
}

use Dialect::{Anthropic, Databricks, OAuth, OpenAi};

static ROUTES: [Route; 16] = [
    route(Method::POST, "/v1/chat/completions", Operation::ChatCompletions, OpenAi),
    route(Method::POST, "/v1/responses", Operation::Responses, OpenAi),
    route(Method::POST, "/v1/completions", Operation::Completions, OpenAi),
    route(Method::POST, "/v1/embeddings", Operation::Embeddings, OpenAi),
    route(Method::POST, "/v1/moderations", Operation::Moderations, OpenAi),
    route(Method::GET, "/v1/models", Operation::Models, OpenAi),
    route(Method::GET, "/v1/models/{}", Operation::Model, OpenAi),
    route(Method::POST, "/v1/messages", Operation::Messages, Anthropic),
    route(Method::POST, "/v1/messages/count_tokens", Operation::CountTokens, Anthropic),
    route(Method::POST, "/oauth/token", Operation::TokenExchange, OAuth),
    route(Method::POST, "/serving-endpoints/{}/invocations", Operation::Invocations, Databricks),
    route(Method::POST, "/serving-endpoints/chat/completions", Operation::ChatCompletions, OpenAi),
    route(Method::POST, "/serving-endpoints/completions", Operation::Completions, OpenAi),
    route(Method::POST, "/serving-endpoints/embeddings", Operation::Embeddings, OpenAi),
    route(Method::POST, "/serving-endpoints/responses", Operation::Responses, OpenAi),
    route(Method::GET, "/serving-endpoints/models", Operation::Models, OpenAi),
];

/// Method and path of every route that takes a credential; `{}` stands for one segment.
pub fn routes() -> impl Iterator<Item = (&'static Method, &'static str)> {
    ROUTES.iter().map(|route| (&route.method, route.path))
}

/// Where Databricks' clients ask, before they send a key, for what they were not told: the account,
/// the workspace, the cloud, and where to sign in. There is none of it here, and an empty object says
/// so; they go on with what they have. A 404 makes them warn.
const HOST_CONFIG: &str = "/.well-known/databricks-config";

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Matched {
    /// To an operation; `name` is the variable segment of the path.
    Operation { operation: Operation, dialect: Dialect, name: Option<String> },
    /// The same answer for everyone, as JSON.
    Fixed(&'static str),
    /// The path exists under other methods.
    WrongMethod { dialect: Dialect, allowed: String },
    /// Nothing is there.
    Nowhere,
}

/// Looks a request up in the route table.
pub(crate) fn find(method: &Method, path: &str) -> Matched {
    if path == HOST_CONFIG {
        return match *method {
            Method::GET => Matched::Fixed("{}"),
            _ => Matched::WrongMethod { dialect: Databricks, allowed: Method::GET.to_string() },
        };
    }
    let mut other: Option<(Dialect, String)> = None;
    for route in &ROUTES {
        let Some(segments) = matches(route.path, path) else { continue };
        if route.method == *method {
            let name = segments.first().map(|name| (*name).to_owned());
            return Matched::Operation { operation: route.operation, dialect: route.dialect, name };
        }
        match &mut other {
            Some((_, allowed)) => {
                allowed.push_str(", ");
                allowed.push_str(route.method.as_str());
            }
            None => other = Some((route.dialect, route.method.to_string())),
        }
    }
    other.map_or(Matched::Nowhere, |(dialect, allowed)| Matched::WrongMethod { dialect, allowed })
}

/// The variable segments of a path that fits the pattern.
fn matches<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let mut segments = Vec::new();
    let mut parts = path.split('/');
    for expected in pattern.split('/') {
        let part = parts.next()?;
        if expected == "{}" && !part.is_empty() {
            segments.push(part);
        } else if expected != part {
            return None;
        }
    }
    parts.next().is_none().then_some(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_operations_and_names() {
        let found = find(&Method::POST, "/serving-endpoints/my-model/invocations");
        let expected = Matched::Operation {
            operation: Operation::Invocations,
            dialect: Dialect::Databricks,
            name: Some("my-model".to_owned()),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn tells_a_wrong_method_from_a_wrong_path() {
        let wrong =
            |dialect, allowed: &str| Matched::WrongMethod { dialect, allowed: allowed.to_owned() };
        assert_eq!(find(&Method::GET, "/v1/messages"), wrong(Dialect::Anthropic, "POST"));
        assert_eq!(find(&Method::POST, "/v1/models"), wrong(Dialect::OpenAi, "GET"));
        assert_eq!(find(&Method::PUT, HOST_CONFIG), wrong(Dialect::Databricks, "GET"));
        for path in
            ["/", "/v1", "/v1/messages/", "/v1//messages", "/serving-endpoints//invocations"]
        {
            assert_eq!(find(&Method::POST, path), Matched::Nowhere, "{path}");
        }
    }

    #[test]
    fn every_operation_is_reachable() {
        for operation in Operation::ALL {
            assert!(ROUTES.iter().any(|route| route.operation == operation), "{operation:?}");
        }
    }
}
