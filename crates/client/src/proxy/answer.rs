//! What a proxy says when it is asked for the way on.

use http::HeaderMap;

use crate::http_head;

/// An answer of a proxy: its head.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The words behind the status, which HTTP/2 has abolished and some servers leave out.
    pub(crate) reason: String,
    headers: HeaderMap,
}

impl Answer {
    /// Takes what can be read of a whole head; `None` without a status. Of a head that says oddly how long its content is,
    /// the status alone: a tunnel has no content.
    pub(crate) fn parse(head: &[u8]) -> Option<Answer> {
        let (status, headers) = match http_head::parse(head) {
            Ok(head) => (head.status, head.headers),
            Err(unreadable) => (unreadable.status?, HeaderMap::new()),
        };
        let text = String::from_utf8_lossy(head.trim_ascii_start());
        let words = text.lines().next().into_iter().flat_map(str::split_whitespace).skip(2);
        Some(Answer { status: status.as_u16(), reason: words.collect::<Vec<_>>().join(" "), headers })
    }

    /// The values of a header, in the order in which they came.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next()
    }
}

#[cfg(test)]
impl Answer {
    pub(crate) fn of_test(status: u16, headers: &[(&str, &str)]) -> Answer {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        Answer::parse(format!("HTTP/1.1 {status}\r\n{lines}\r\n").as_bytes()).unwrap()
    }
}
