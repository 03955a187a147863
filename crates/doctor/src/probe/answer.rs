//! As much of an answer as is needed to judge it.

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Whether there is a body.
    pub has_body: bool,
    /// How the body begins.
    pub body: String,
}

/// What the bytes so far are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The beginning of an answer.
    More,
    /// Enough of an answer.
    Enough(Answer),
    /// Not an answer: the proxy ended the connection, which refuses the request as well.
    Nothing,
}

/// Reads what a proxy has sent; `ended` when it will send no more.
pub fn read(bytes: &[u8], ended: bool) -> Read {
    let unfinished = if ended { Read::Nothing } else { Read::More };
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return unfinished;
    };
    let Some(answer) = parse(head, body) else {
        return Read::Nothing;
    };
    match answer.status {
        // An interim answer has another one behind it.
        100..=199 if answer.status != 101 => read_after(body, ended),
        _ if ended || answer.is_enough() => Read::Enough(answer),
        _ => Read::More,
    }
}

fn read_after(rest: &str, ended: bool) -> Read {
    match rest.split_once("\r\n\r\n") {
        Some((head, body)) => match parse(head, body) {
            Some(answer) if answer.status >= 200 => Read::Enough(answer),
            _ => Read::Nothing,
        },
        None if ended => Read::Nothing,
        None => Read::More,
    }
}

fn parse(head: &str, body: &str) -> Option<Answer> {
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    });
    let mut answer = Answer {
        status: status.parse().ok()?,
        headers: headers.collect(),
        has_body: !body.is_empty(),
        body: body.to_owned(),
    };
    if answer.header("content-length") == Some("0") || body.starts_with("0\r\n") {
        answer.has_body = false;
    }
    Some(answer)
}

impl Answer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether what is missing would not change how it is judged.
    fn is_enough(&self) -> bool {
        self.has_body
            || self.header("content-length").is_some()
            || !(200..300).contains(&self.status)
    }

    /// Whether it hands something out.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status) || self.status == 101
    }

    /// Whether the gate sends the browser to sign in.
    pub(super) fn is_sign_in(&self) -> bool {
        let location = self.header("location").unwrap_or_default();
        (300..400).contains(&self.status) && location.contains("/.aeolus/sign-in")
    }

    /// Whether the gate has decided about the deployment's own pages: it wants a credential.
    pub(super) fn is_decided(&self) -> bool {
        let challenge = self.header("www-authenticate").unwrap_or_default();
        self.is_sign_in() || (self.status == 401 && challenge.starts_with("Bearer"))
    }

    /// Whether it is refused, sent to sign in, or sent to a tidier form of its own path.
    pub(super) fn is_refused(&self) -> bool {
        let redirect = matches!(self.status, 301 | 307 | 308);
        self.is_sign_in() || redirect || self.status >= 400
    }

    /// Whether the server says it is this one.
    pub(super) fn is_by(&self, names: &[&str]) -> bool {
        let mut servers = self
            .headers
            .iter()
            .filter(|(name, _)| name == "server" || name == "via");
        servers.any(|(_, value)| {
            let value = value.to_ascii_lowercase();
            names.iter().any(|name| value.contains(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enough(text: &str) -> Answer {
        match read(text.as_bytes(), false) {
            Read::Enough(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_read_as_far_as_it_matters() {
        let found = enough("HTTP/1.1 302 Found\r\nLocation: /.aeolus/sign-in?next=/\r\n\r\n");
        assert!(found.is_sign_in() && found.is_refused() && !found.is_success());
        assert!(!enough("HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n").is_refused());
        let empty = enough("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert!(!empty.has_body);
        assert_eq!(read(b"HTTP/1.1 200 OK\r\n\r\n", false), Read::More);
        assert!(enough("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 No\r\n\r\n").is_refused());
        assert_eq!(enough("HTTP/1.1 101 Go\r\n\r\n").status, 101);
    }

    #[test]
    fn what_is_no_answer_is_nothing() {
        assert_eq!(read(b"", true), Read::Nothing);
        assert_eq!(read(b"", false), Read::More);
        assert_eq!(read(b"SSH-2.0-x\r\n\r\n", false), Read::Nothing);
        assert_eq!(read(b"HTTP/1.1 abc\r\n\r\n", false), Read::Nothing);
    }
}
