//! A console over a real store, and stand-ins for the rest.

use super::*;

/// A console over a real store and stand-ins for the rest.
pub(super) struct Console {
    pub(super) state: ConsoleState,
    pub(super) sink: Arc<Sink>,
    pub(super) client: Secret,
    pub(super) viewer: Secret,
    pub(super) auditor: Secret,
    pub(super) operator: Secret,
    pub(super) admin: Secret,
    pub(super) revoked: Secret,
    pub(super) expired: Secret,
    /// Of another store.
    pub(super) foreign: Secret,
    /// Id of a key that nobody here uses.
    pub(super) other_key: String,
    /// Id of a change that `proposer@example.com` asked for.
    pub(super) change: String,
    /// Id of a session that nobody here uses.
    pub(super) other_session: String,
    /// Good for the account of carol@example.com.
    pub(super) enrolment: Secret,
    _dir: tempfile::TempDir,
}

/// Has every tile but those of level 9.
pub(super) struct Log;

impl LogFiles for Log {
    fn checkpoint(&self) -> Result<Option<String>, AdminError> {
        Ok(Some("a checkpoint\n".to_owned()))
    }

    fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, AdminError> {
        Ok((!path.starts_with("tile/9/")).then(|| path.as_bytes().to_vec()))
    }
}

impl Console {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&dir.path().join("state.db")).unwrap());
        let key = |scope, kind, name: &str, expires| {
            let (name, tags) = (name.to_owned(), bartizan_core::Tags::default());
            let new = NewKey { scope, kind, name, note: None, expires, endpoints: None, tags };
            store.create_key(new).unwrap()
        };
        let user = PrincipalKind::User;
        let admin = key(Scope::Admin, user, "root@example.com", None).1;
        let client = key(Scope::Client, PrincipalKind::ServicePrincipal, "caller", None).1;
        let viewer = key(Scope::Viewer, user, "viewer@example.com", None).1;
        let auditor = key(Scope::Auditor, user, "auditor@example.com", None).1;
        let operator = key(Scope::Operator, user, "operator@example.com", None).1;
        let soon = bartizan_core::time::now() + jiff::SignedDuration::from_millis(20);
        let expired = key(Scope::Admin, user, "late@example.com", Some(soon)).1;
        let (record, revoked) = key(Scope::Admin, user, "gone@example.com", None);
        store.revoke_key(&record.id).unwrap();
        let elsewhere = Store::open(&dir.path().join("elsewhere.db")).unwrap();
        let foreign = elsewhere.create_key(NewKey {
            scope: Scope::Admin,
            kind: user,
            name: "root@example.com".to_owned(),
            note: None,
            expires: None,
            endpoints: None,
            tags: bartizan_core::Tags::default(),
        });
        let foreign = foreign.unwrap().1;
        let other_key = key(Scope::Client, user, "other@example.com", None).0.id;
        let proposer = key(Scope::Operator, user, "proposer@example.com", None).0;
        let hand = Hand { principal: proposer.principal(), key: proposer.id };
        let change = store.propose_change(&changes::of("main", hand)).unwrap().0.id;
        while bartizan_core::time::now() <= soon {
            std::thread::sleep(Duration::from_millis(1));
        }
        let enrolment = store.create_account("carol@example.com", Scope::Viewer).unwrap().1;
        people::enrol(&store, people::ALICE, Scope::Operator);
        people::enrol(&store, "dave@example.com", Scope::Auditor);
        let other_session = people::sign_in(&store, "dave@example.com").session.id;
        let sink = Arc::new(Sink::default());
        let endpoints = BTreeMap::from([("main".to_owned(), json!({ "name": "main" }))]);
        let state = ConsoleState {
            identify: store.key_index(),
            store: Arc::clone(&store),
            events: Arc::<Sink>::clone(&sink),
            event_query: Arc::new(Query),
            payloads: Arc::new(payloads::Payloads),
            witness: Some(Arc::new(Signs)),
            log: Arc::new(Log),
            endpoints: Arc::new(endpoints::Endpoints(Mutex::new(endpoints), Arc::clone(&store))),
            metrics: Arc::new(|| "# EOF\n".to_owned()),
            readiness: Arc::new(Fixed(vec![Check { name: "policy", state: Ok(()) }])),
            login: Some(people::login()),
            hosts: Hosts::new(
                "127.0.0.1:8081".parse().unwrap(),
                &[HostPattern::new("console.example").unwrap()],
            ),
            about: About { version: "0".to_owned(), gateway_url: "http://localhost".to_owned() },
        };
        Self {
            state,
            sink,
            client,
            viewer,
            auditor,
            operator,
            admin,
            revoked,
            expired,
            foreign,
            other_key,
            change,
            other_session,
            enrolment,
            _dir: dir,
        }
    }

    pub(super) fn authorization(&self, who: Who) -> Option<String> {
        let bearer = |key: &Secret| Some(format!("Bearer {}", key.expose()));
        match who {
            Who::Nobody => None,
            Who::Malformed => Some("Bearer".to_owned()),
            Who::Unknown => Some(format!("Bearer bza_{}", "A".repeat(43))),
            Who::ForeignAdmin => bearer(&self.foreign),
            Who::Client => bearer(&self.client),
            Who::Viewer => bearer(&self.viewer),
            Who::Auditor => bearer(&self.auditor),
            Who::Operator => bearer(&self.operator),
            Who::RevokedAdmin => bearer(&self.revoked),
            Who::ExpiredAdmin => bearer(&self.expired),
            Who::Admin => bearer(&self.admin),
        }
    }

    /// A path of the table with something for each of its parts.
    pub(super) fn path(&self, path: &str) -> String {
        let id = match path {
            path if path.starts_with("/sessions") => &self.other_session,
            path if path.contains("/changes/") => &self.change,
            _ => &self.other_key,
        };
        let path = path.replace("{id}", id).replace("{name}", "main");
        let path = path.replace("{level}", "0").replace("{*rest}", "000");
        path.replace("{request_id}", &RequestId::new().to_string())
    }

    /// A request as a program sends it, and where it is for a page, as a browser does.
    pub(super) fn request(&self, method: &str, path: &str, body: &str) -> Request<Body> {
        let body = body.replace("CODE", &people::code());
        let body = body.replace("ENROLMENT", self.enrolment.expose());
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::HOST, "localhost:8081");
        if method == "POST"
            && ["/login", "/logout", "/sessions"].iter().any(|at| path.starts_with(at))
        {
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ORIGIN, people::ORIGIN)
                .header("sec-fetch-site", "same-origin");
        }
        request.body(Body::from(body)).unwrap()
    }

    pub(super) async fn admin(&self, method: &str, path: &str, body: &str) -> Reply {
        let mut request = self.request(method, path, body);
        let value = self.authorization(Who::Admin).unwrap().parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, value);
        self.send(request).await
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Reply {
        let response: Response<Body> = router(self.state.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: axum::http::HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(super) fn assert_error(reply: &Reply) {
    let error = &reply.json()["error"];
    for field in ["code", "message", "help"] {
        assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{}", reply.text());
    }
    assert!(error["code"].as_str().unwrap().starts_with("bartizan::"), "{}", reply.text());
}

pub(super) fn filter(method: &str) -> MethodFilter {
    method.parse::<Method>().unwrap().try_into().unwrap()
}

#[derive(Default)]
pub(super) struct Sink {
    pub(super) events: Mutex<Vec<Event>>,
    pub(super) full: AtomicBool,
}

impl EventSink for Sink {
    fn record(&self, event: &Event) -> Result<Recorded, RecordError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(RecordError(std::io::ErrorKind::StorageFull.into()));
        }
        self.events.lock().push(event.clone());
        Ok(Recorded::Settled)
    }
}

/// Signs everything.
pub(super) struct Signs;

impl LogWitness for Signs {
    fn add_checkpoint(&self, _: &str) -> WitnessAnswer {
        WitnessAnswer::Signed("signed\n".to_owned())
    }
}

pub(super) struct Fixed(pub(super) Vec<Check>);

impl Readiness for Fixed {
    fn checks(&self) -> Vec<Check> {
        self.0.clone()
    }
}

/// Answers with one event that says what was asked.
pub(super) struct Query;

impl EventQuery for Query {
    fn events(&self, filter: EventFilter) -> Result<Vec<Event>, AdminError> {
        let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
        event.detail = Some(format!("limit {}", filter.limit));
        event.rule = Some(filter.since.to_string());
        Ok(vec![event])
    }
}

pub(super) fn refusal(class: Class, message: &str) -> AdminError {
    AdminError { class, code: "bartizan::test", message: message.to_owned(), help: None }
}
