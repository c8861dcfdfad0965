//! Signatures of AWS, version 4, verified from the service's side.

use std::fmt::Write;

use ring::{digest, hmac};

/// What a signature is made over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// As it came, with its query.
    pub(crate) path: &'a str,
    /// Names in lower case.
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: &'a [u8],
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

impl Signed<'_> {
    /// Checks the `authorization` header; with a key (id and secret) the signature itself too. The error is what AWS
    /// would object to. How old the signature is, is not looked at.
    pub(crate) fn check(&self, key: Option<(&str, &str)>) -> Result<(), String> {
        let claim = Claim::parse(self.header("authorization").ok_or("Missing Authentication Token")?)?;
        let time =
            self.header("x-amz-date").ok_or("Authorization header requires existence of 'X-Amz-Date' header.")?;
        if time.len() != 16 || time.get(..8) != Some(claim.date) {
            return Err(format!("Date in Credential scope does not match '{time}'"));
        }
        if claim.service != "bedrock" {
            return Err(format!("Credential should be scoped to correct service: 'bedrock', not '{}'", claim.service));
        }
        let names: Vec<&str> = claim.signed_headers.split(';').collect();
        if !names.is_sorted() {
            return Err("SignedHeaders must be in order".to_owned());
        }
        if let Some(name) = names.iter().find(|name| self.header(name).is_none()) {
            return Err(format!("the signed header '{name}' was not sent"));
        }
        let must_sign = |name: &&str| matches!(*name, "host") || name.starts_with("x-amz-");
        let sent = self.headers.iter().map(|(name, _)| name.as_str());
        if let Some(name) = sent.filter(must_sign).find(|name| !names.contains(name)) {
            return Err(format!("the header '{name}' is not signed"));
        }
        let Some((id, secret)) = key else { return Ok(()) };
        if claim.key_id != id {
            return Err("The security token included in the request is invalid.".to_owned());
        }
        let expected = claim.signature_of(secret, time, &self.canonical(&names));
        match expected == claim.signature {
            true => Ok(()),
            false => Err("The request signature we calculated does not match the signature you provided.".to_owned()),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The request in the one form that is signed.
    fn canonical(&self, names: &[&str]) -> String {
        let (path, query) = self.path.split_once('?').unwrap_or((self.path, ""));
        // What was escaped on the way is escaped once more; only S3 does without.
        let path = path.split('/').map(escaped).collect::<Vec<_>>().join("/");
        let mut pairs: Vec<String> = query
            .split('&')
            .filter(|p| !p.is_empty())
            .map(|p| if p.contains('=') { p.into() } else { format!("{p}=") })
            .collect();
        pairs.sort_unstable();
        let mut text = format!("{}\n{path}\n{}\n", self.method, pairs.join("&"));
        for name in names {
            let values: Vec<String> =
                self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| squeezed(v)).collect();
            let _ = writeln!(text, "{name}:{}", values.join(","));
        }
        let _ = write!(text, "\n{}\n{}", names.join(";"), hex(digest::digest(&digest::SHA256, self.body).as_ref()));
        text
    }
}

/// The parts of an `authorization` header.
struct Claim<'a> {
    key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Claim<'a> {
    fn parse(header: &'a str) -> Result<Self, String> {
        let wrong = || format!("Authorization header is no complete {ALGORITHM}");
        let rest = header.strip_prefix(ALGORITHM).ok_or_else(wrong)?;
        let part = |name: &str| {
            let parts = rest.split(',').filter_map(|p| p.trim().split_once('='));
            parts.into_iter().find(|(n, _)| *n == name).map(|(_, value)| value).ok_or_else(wrong)
        };
        let scope: Vec<&str> = part("Credential")?.split('/').collect();
        let [key_id, date, region, service, "aws4_request"] = scope[..] else { return Err(wrong()) };
        Ok(Claim {
            key_id,
            date,
            region,
            service,
            signed_headers: part("SignedHeaders")?,
            signature: part("Signature")?,
        })
    }

    fn signature_of(&self, secret: &str, time: &str, canonical: &str) -> String {
        let Claim { date, region, service, .. } = self;
        let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let to_sign = format!("{ALGORITHM}\n{time}\n{date}/{region}/{service}/aws4_request\n{hash}");
        let first = format!("AWS4{secret}").into_bytes();
        let scope = [*date, *region, *service, "aws4_request"];
        let key = scope.iter().fold(first, |key, part| mac(&key, part.as_bytes()));
        hex(&mac(&key, to_sign.as_bytes()))
    }
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Everything but letters, digits and `-_.~` as `%XX`.
fn escaped(segment: &str) -> String {
    segment.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(char::from(byte)),
            _ => drop(write!(text, "%{byte:02X}")),
        }
        text
    })
}

/// Without white space around it, and with single spaces inside.
fn squeezed(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn headers(authorization: &str, host: &str) -> Vec<(String, String)> {
        let pairs = [("authorization", authorization), ("host", host), ("x-amz-date", "20150830T123600Z")];
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    /// The `get-vanilla` case of AWS's own test suite, whose service is called `service`.
    #[test]
    fn a_published_signature_is_computed() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
            SignedHeaders=host;x-amz-date, \
            Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        let claim = Claim::parse(header).unwrap();
        let headers = headers(header, "example.amazonaws.com");
        let signed = Signed { method: "GET", path: "/", headers: &headers, body: b"" };
        let canonical = signed.canonical(&["host", "x-amz-date"]);
        assert_eq!(claim.signature_of(SECRET, "20150830T123600Z", &canonical), claim.signature);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let check = |authorization: &str, key: Option<(&str, &str)>, expected: Result<(), &str>| {
            let headers = headers(authorization, "h");
            let signed = Signed { method: "POST", path: "/model/a%3A0/converse", headers: &headers, body: b"{}" };
            let found = signed.check(key);
            match (&found, expected) {
                (Ok(()), Ok(())) => {}
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                _ => panic!("{found:?}, not {expected:?}"),
            }
        };
        let header = |scope: &str, signed: &str| {
            format!("AWS4-HMAC-SHA256 Credential=ID/{scope}/aws4_request, SignedHeaders={signed}, Signature=00")
        };
        let good = header("20150830/eu-west-1/bedrock", "host;x-amz-date");
        check(&good, None, Ok(()));
        check(&good, Some(("ID", SECRET)), Err("signature we calculated"));
        check(&good, Some(("OTHER", SECRET)), Err("security token"));
        check(&header("20150831/eu-west-1/bedrock", "host;x-amz-date"), None, Err("Credential scope"));
        check(&header("20150830/eu-west-1/s3", "host;x-amz-date"), None, Err("correct service"));
        check(&header("20150830/eu-west-1/bedrock", "host"), None, Err("'x-amz-date' is not signed"));
        check(&header("20150830/eu-west-1/bedrock", "host;x-amz-date;x-other"), None, Err("'x-other' was not sent"));
        check("AWS4-HMAC-SHA256 Credential=ID", None, Err("no complete"));
    }

    #[test]
    fn escapes_are_escaped_again() {
        assert_eq!(escaped("anthropic.claude-v1%3A0"), "anthropic.claude-v1%253A0");
        assert_eq!(escaped("a:b~c"), "a%3Ab~c");
    }
}
