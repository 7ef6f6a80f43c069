//! Signatures of S3 requests (AWS Signature Version 4, in the query), computed apart from the crate that
//! makes them.

use std::collections::HashMap;

use aws_lc_rs::hmac;
use sha2::{Digest as _, Sha256};

/// The signature that a request has to have.
pub(crate) fn of_query(
    method: &str,
    path: &str,
    query: &str,
    headers: &HashMap<String, String>,
    secret: &str,
) -> String {
    let mut parameters: Vec<&str> =
        query.split('&').filter(|part| !part.starts_with("X-Amz-Signature=")).collect();
    parameters.sort_unstable();
    let value = |name: &str| {
        let found = parameters.iter().find_map(|part| part.strip_prefix(&format!("{name}=")));
        found.unwrap_or_else(|| panic!("no {name} in {query}")).to_owned()
    };
    let signed_headers = value("X-Amz-SignedHeaders").replace("%3B", ";");
    let canonical_headers: String =
        signed_headers.split(';').map(|name| format!("{name}:{}\n", headers[name])).collect();
    let request = format!(
        "{method}\n{path}\n{}\n{canonical_headers}\n{signed_headers}\nUNSIGNED-PAYLOAD",
        parameters.join("&")
    );
    let (date, credential) = (value("X-Amz-Date"), value("X-Amz-Credential"));
    let scope: Vec<&str> = credential.split("%2F").skip(1).collect();
    let text = format!(
        "AWS4-HMAC-SHA256\n{date}\n{}\n{}",
        scope.join("/"),
        hex(Sha256::digest(request.as_bytes()).as_slice())
    );
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope {
        key = mac(&key, part);
    }
    hex(&mac(&key, &text))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The example of "Authenticating Requests: Using Query Parameters" in the API reference of Amazon S3.
#[test]
fn agrees_with_the_published_example() {
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256\
                 &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
                 &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host";
    let headers = HashMap::from([("host".to_owned(), "examplebucket.s3.amazonaws.com".to_owned())]);
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    assert_eq!(
        of_query("GET", "/test.txt", query, &headers, secret),
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
}
