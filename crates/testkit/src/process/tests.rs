//! The real binary is tested elsewhere; here a shell script keeps its contract or breaks it.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// A stand-in binary in a folder of its own, named by the test.
async fn launch(test: &str, script: &str) -> Launch {
    let folder =
        std::env::temp_dir().join(format!("bartizan-testkit-{}-{test}", std::process::id()));
    tokio::fs::create_dir_all(&folder).await.unwrap();
    let binary = folder.join("stand-in");
    // up --config C --data-dir D --ready-file R
    tokio::fs::write(&binary, format!("#!/bin/sh\nready=$7\n{script}\n")).await.unwrap();
    tokio::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).await.unwrap();
    Launch::new(binary, folder.join("c.yaml"), folder.join("data")).patience(Duration::from_secs(5))
}

const READY: &str =
    r#"{"gateway":"http://g","console":"http://c","admin_key":"a","client_key":"k"}"#;

#[tokio::test]
async fn waits_for_the_ready_file_and_ends_on_request() {
    let script = format!(
        "trap 'echo drained >&2; exit 0' TERM\necho starting >&2\nsleep 0.1\n\
         echo '{READY}' > \"$ready\"\nwhile :; do sleep 0.05; done"
    );
    let process = launch("ready", &script).await.start().await.unwrap();
    assert_eq!(process.ready().gateway, "http://g");
    assert_eq!(process.ready().client_key.as_deref(), Some("k"));
    assert!(process.start_time() >= Duration::from_millis(100));
    let (status, stderr) = process.terminate().await.unwrap();
    assert!(status.success());
    assert_eq!(stderr, "starting\ndrained\n");
}

#[tokio::test]
async fn says_what_a_process_wrote_that_ended_early() {
    let error = launch("early", "echo 'error: bad policy' >&2; exit 2").await.start().await;
    let Err(ProcessError::EndedEarly { status, stderr }) = error else { panic!("{error:?}") };
    assert_eq!(status.code(), Some(2));
    assert_eq!(stderr, "error: bad policy\n");
}

#[tokio::test]
async fn gives_up_on_a_process_that_never_serves() {
    let launch = launch("never", "exec sleep 30").await.patience(Duration::from_millis(200));
    assert!(matches!(launch.start().await, Err(ProcessError::NotReady { .. })));
}

#[tokio::test]
async fn keeps_provider_keys_of_this_process_away() {
    assert!(shapes_behaviour("OPENAI_API_KEY"));
    assert!(shapes_behaviour("BARTIZAN_LOG"));
    assert!(!shapes_behaviour("PATH"));
}
