//! A build without the SQL engine: what needs it says so, and how to get it.

use bartizan_testkit::upstream::Script;

use crate::cli::Place;
use crate::support::Stage;

#[tokio::test]
async fn what_needs_the_engine_says_how_to_build_it() {
    let stage = Stage::start(Script::obedient(), "", "").await;
    let data = stage.folder.path().join("data");
    let place = Place::new();
    for words in [
        &["query", "SELECT 1"][..],
        &["query"],
        &["audit", "export", "--format", "parquet", "-o", "events.parquet"],
    ] {
        let ran = place.run(&[words, &["--data-dir", data.to_str().unwrap()]].concat(), "");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("needs the SQL engine"), "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("--features sql"), "{words:?}: {}", ran.stderr);
    }
    assert_eq!(place.names(), Vec::<String>::new());
}
