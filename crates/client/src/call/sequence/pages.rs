//! A list that is handed out in pages, gathered into one reply.

use std::time::Instant;

use super::refusal::Refusal;
use super::{Answer, excerpt, one};
use crate::basics::pointer::{Pointer, items};
use crate::error::{Delivered, Error, Kind, as_it_came};
use crate::network::attempt::Progress;
use crate::request::{Api, CallText, Pages};

/// The first page's reply, with the items of all pages in its list.
pub(crate) fn gather(
    text: &CallText<'_>,
    api: &Api,
    pages: &Pages,
    began: Instant,
    progress: &Progress,
) -> Result<Vec<u8>, Error> {
    let checked = text.check()?;
    let most_bytes = checked.options.max_response_bytes;
    drop(checked);
    let until = began.checked_add(pages.limit).expect("a clock holds a day more");
    let over = || {
        let cause = "翻页超时,请调大pages.timeout_ms";
        Error::new(Kind::Timeout, cause, "the limit `pages.timeout_ms` is over")
    };
    let ask = |page: u64| {
        one(text, api, &pages.data(page), until, progress).map_err(|error| {
            // The page may have had less time than `timeout_ms` says.
            let is_over = error.kind == Kind::Timeout && Instant::now() >= until;
            if is_over { Error { delivered: error.delivered, attempts: error.attempts, ..over() } } else { error }
        })
    };
    let first = ask(pages.first).map_err(|error| of_page(error, pages, pages.first, 0))?;
    let Some(list) = list_in(&first, pages) else {
        return without_list(first, pages, pages.first, 0);
    };
    let first = &first.text;
    let mut gathered = Gathered::new(first, list, pages);
    let mut page = pages.first;
    let mut total = total_in(first, pages).map_err(|error| of_page(error, pages, page, 0))?;
    if gathered.count == 0
        && let Added::Odd(cause, detail) = gathered.empty(total)
    {
        return Err(of_page(Error::new(Kind::Response, cause, detail), pages, page, 0));
    }
    while !gathered.is_whole(total) {
        page = page.saturating_add(1);
        let count = gathered.count;
        let told = |error: Error| of_page(error, pages, page, count);
        if page.saturating_sub(pages.first) >= pages.most {
            return Err(told(Error::new(
                Kind::TooLarge,
                format!("页数超过max_pages({})", pages.most),
                format!("there are more pages than `pages.max_pages`, {}", pages.most),
            )));
        }
        if Instant::now() >= until {
            return Err(told(over()));
        }
        let reply = ask(page).map_err(told)?;
        let Some(list) = list_in(&reply, pages) else {
            return without_list(reply, pages, page, count);
        };
        total = total_in(&reply.text, pages).map_err(told)?;
        match gathered.add(list, total) {
            Added::More => {}
            Added::End => break,
            Added::Odd(cause, detail) => return Err(told(Error::new(Kind::Response, cause, detail))),
        }
        if gathered.bytes() > most_bytes {
            let cause = "各页合计过大,请调大max_response_bytes";
            let detail = format!("all pages together are longer than `max_response_bytes`, {most_bytes} bytes");
            return Err(told(Error::new(Kind::TooLarge, cause, detail)));
        }
    }
    Ok(gathered.reply.into_bytes())
}

/// The list, as it stands in the reply: an array, or null where there is nothing. What refuses has none, whatever stands there.
fn list_in<'r>(reply: &'r Answer, pages: &Pages) -> Option<&'r str> {
    if Refusal::of(reply).is_some() {
        return None;
    }
    let reply = &*reply.text;
    let found = |sign: char| {
        pages.items.iter().find_map(|pointer| pointer.find(reply).ok().filter(|list| list.starts_with(sign)))
    };
    found('[').or_else(|| found('n'))
}

fn total_in(reply: &str, pages: &Pages) -> Result<Option<u64>, Error> {
    let number = |pointer: &Pointer| pointer.find(reply).ok()?.trim_matches('"').parse::<f64>().ok();
    let number = pages.total.iter().find_map(|pointer| number(pointer).filter(|number| *number >= 0.0));
    match (number, pages.needs_total) {
        (None, true) => Err(without(&pages.total, reply, "pages.total", "一个整数", "a whole number")),
        (number, _) => Ok(number.map(|number| number as u64)),
    }
}

/// A reply without the list. Where it is the control center's refusal of the first page, the caller gets it as it came.
fn without_list(reply: Answer, pages: &Pages, page: u64, count: usize) -> Result<Vec<u8>, Error> {
    let refusal = Refusal::of(&reply);
    let Answer { text, status } = reply;
    let error = match refusal {
        Some(refusal) if page == pages.first && refusal.code.is_some() => return Ok(text.into_bytes()),
        Some(refusal) => {
            let (zh, en) = refusal.in_words();
            let (cause, detail) = (format!("控制中心返回{zh}"), format!("the control center says {en}"));
            Error { http_status: status, ..Error::new(Kind::Response, cause, detail) }
        }
        None => without(&pages.items, &text, "pages.items", "一个数组", "an array"),
    };
    let mut error = of_page(error, pages, page, count);
    error.part.get_or_insert_default().reply = as_it_came(&text);
    Err(error)
}

fn without(pointers: &[Pointer], reply: &str, field: &str, wanted_zh: &str, wanted: &str) -> Error {
    // Of several the first tells best what stands there.
    let pointer = pointers.first().expect("it was checked that there is one");
    let (en, zh) = match pointer.find(reply) {
        Ok(value) => (format!("it is {}", excerpt(value)), format!("而是{}", excerpt(value))),
        Err(absent) => absent.in_words(),
    };
    let pointer = pointer.as_str();
    let cause = format!("字段{field}指向的{pointer}不是{wanted_zh}:{zh}");
    let detail = format!("`{field}`, `{pointer}`, does not lead to {wanted}: {en}");
    Error { field: Some(field.into()), ..Error::new(Kind::Response, cause, detail) }
}

/// Says which page it was, and what there was before it.
fn of_page(error: Error, pages: &Pages, page: u64, count: usize) -> Error {
    if error.kind.is_before_any_attempt() && page == pages.first {
        return error;
    }
    let mut part = error.part.unwrap_or_default();
    part.page = Some(page);
    let asked = &pages.page;
    let cause = format!("第{page}页({asked}={page},此前已取{count}项):{}", error.cause);
    let detail = format!("page {page} (`{asked}` {page}, after {count} items): {}", error.detail);
    // Errors of the replies themselves are told after an answer.
    let delivered = if error.attempts == 0 { Delivered::Yes } else { error.delivered };
    let attempts = error.attempts.max(1);
    Error { cause, detail, delivered, attempts, part: Some(part), ..error }
}

/// What the pages have brought.
struct Gathered {
    /// The first reply, with more and more in its list.
    reply: String,
    /// Where its list ends, before the bracket and the white space before that.
    end: usize,
    first: String,
    last: String,
    of_first: usize,
    count: usize,
    pages: u64,
    size: Option<u64>,
    /// Pages before the first one that was asked for, where they are counted from 1.
    skipped: u64,
}

enum Added {
    More,
    End,
    /// What does not fit together, in Chinese and in English.
    Odd(String, String),
}

impl Gathered {
    fn new(reply: &str, list: &str, pages: &Pages) -> Gathered {
        let inner = inner(list);
        let begin = (inner.as_ptr() as usize).saturating_sub(reply.as_ptr() as usize);
        let count = items(list).len();
        Gathered {
            reply: reply.to_owned(),
            end: begin.saturating_add(inner.len()),
            first: inner.to_owned(),
            last: inner.to_owned(),
            of_first: count,
            count,
            pages: 1,
            size: pages.size,
            skipped: pages.first.saturating_sub(1),
        }
    }

    fn bytes(&self) -> u64 {
        self.reply.len() as u64
    }

    /// Whether nothing can come after the first page, or the number of all items is reached.
    fn is_whole(&self, total: Option<u64>) -> bool {
        match total {
            None => self.of_first == 0,
            Some(total) => self.reached() >= total,
        }
    }

    /// How many items have come or were skipped, at least: a page has as many as the first one that came, or more where
    /// that is the last.
    fn reached(&self) -> u64 {
        let size = if self.of_first == 0 { self.size.unwrap_or(1) } else { self.of_first as u64 };
        self.skipped.saturating_mul(size).saturating_add(self.count as u64)
    }

    /// What it means that no further item comes.
    fn empty(&self, total: Option<u64>) -> Added {
        self.missing(total, "此页为空", "the page is empty")
    }

    fn missing(&self, total: Option<u64>, what_zh: &str, what: &str) -> Added {
        match total {
            Some(total) if self.reached() < total && !self.was_last(total) => Added::Odd(
                format!("{what_zh},但总数为{total},已取{};请检查pages中的page和size", self.count),
                format!(
                    "{what}, though there are {total} items, of which {} came: are `pages.page` and `pages.size` right?",
                    self.count
                ),
            ),
            _ => Added::End,
        }
    }

    /// Whether the one page that came was the last of all: then those that were skipped had more items than it.
    fn was_last(&self, total: u64) -> bool {
        let skipped = total.saturating_sub(self.count as u64);
        let size = skipped.checked_div(self.skipped).filter(|size| size.saturating_mul(self.skipped) == skipped);
        self.pages == 1 && self.count > 0 && size.is_some_and(|size| self.size.is_none_or(|known| known == size))
    }

    fn add(&mut self, list: &str, total: Option<u64>) -> Added {
        let (inner, count) = (inner(list), items(list).len());
        if total.is_some() && self.is_whole(total) {
            return Added::End;
        }
        if count == 0 {
            return self.empty(total);
        }
        if inner == self.last || inner == self.first {
            let is_short = self.size.is_some_and(|size| (self.of_first as u64) < size);
            if total.is_none() && self.pages == 1 && !is_short {
                return Added::Odd(
                    "第二页与第一页相同,请检查pages中的page,或给出pages.total".to_owned(),
                    "the second page is the same as the first: is `pages.page` the name of the right parameter? If there is one page alone, give `pages.total`".to_owned(),
                );
            }
            return self.missing(total, "此页与前面的页相同", "the page is the same as an earlier one");
        }
        let separator = ",";
        self.reply.insert_str(self.end, &[separator, inner].concat());
        self.end = self.end.saturating_add(separator.len()).saturating_add(inner.len());
        self.last = inner.to_owned();
        self.count = self.count.saturating_add(count);
        self.pages = self.pages.saturating_add(1);
        match total {
            // Without a number of all items, a page that is shorter than the first is the last.
            None if count < self.of_first => Added::End,
            _ => Added::More,
        }
    }
}

/// What stands between the brackets of a list, without white space at its ends.
fn inner(list: &str) -> &str {
    list.strip_prefix('[').and_then(|list| list.strip_suffix(']')).unwrap_or("").trim_matches([' ', '\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Function;
    use crate::request::RequestText;

    fn begun(reply: &str, list: &str, size: Option<u64>, first: u64) -> Gathered {
        let data = size.map_or(String::new(), |size| format!(",\"n\":{size}"));
        let text = format!(
            r#"{{"host":"http://a","rest_type":"/a","mode":"get","accesstoken":"t","data_json":{{"p":{first}{data}}},"pages":{{"page":"p","size":"n","items":"/l"}}}}"#
        );
        let pages = CallText::read(&RequestText::new(&text), Function::Call).unwrap().pages().unwrap().unwrap().1;
        Gathered::new(reply, list, &pages)
    }

    #[test]
    fn items_stand_as_they_came() {
        let reply = "{ \"list\" : [ 1.10, {\"a\":1} ] , \"total\":4}";
        let list = Pointer::parse("/list").unwrap().find(reply).unwrap();
        let mut gathered = begun(reply, list, None, 1);
        assert!(matches!(gathered.add("[ 1E400,\"\\u4e2d\"]", Some(4)), Added::More));
        assert_eq!(gathered.reply, "{ \"list\" : [ 1.10, {\"a\":1},1E400,\"\\u4e2d\" ] , \"total\":4}");
        assert!(gathered.is_whole(Some(4)) && !gathered.is_whole(Some(5)) && !gathered.is_whole(None));
    }

    #[test]
    fn ends() {
        let begin = |size| begun("[1,2]", "[1,2]", size, 1);
        for (size, list, total, ends) in [
            (None, "[3,4]", None, false),
            (None, "[3]", None, true),
            (None, "[]", None, true),
            (None, "null", None, true),
            (Some(9), "[1,2]", None, true),
            (None, "[3]", Some(9), false),
            (None, "[3]", Some(2), true),
        ] {
            let added = begin(size).add(list, total);
            assert_eq!(matches!(added, Added::End), ends, "{list} {total:?}");
            assert!(!matches!(added, Added::Odd(..)));
        }
        for (list, total) in [("[1,2]", None), ("[1, 2]", Some(2)), ("[]", Some(9)), ("[1,2]", Some(9))] {
            let odd = matches!(begin(None).add(list, total), Added::Odd(..));
            assert_eq!(odd, total != Some(2), "{list} {total:?}");
        }
    }

    #[test]
    fn pages_that_were_skipped_count() {
        // Begun on page 3, of which the first reply shows two items.
        for (size, total, is_whole, ends) in [
            (None, 7, false, false),
            (None, 6, true, true),
            // The last of pages of three.
            (Some(3), 8, false, true),
            (None, 8, false, true),
            (Some(3), 9, false, false),
            (Some(4), 8, false, false),
            (None, 9, false, false),
        ] {
            let mut gathered = begun("[1,2]", "[1,2]", size, 3);
            assert_eq!(gathered.is_whole(Some(total)), is_whole, "{size:?} {total}");
            assert_eq!(matches!(gathered.add("[]", Some(total)), Added::End), ends, "{size:?} {total}");
        }
        // Empty from the first: behind the end, or before it.
        for (first, size, total, ends) in
            [(1, None, 4, false), (1, None, 0, true), (2, Some(2), 4, false), (3, Some(2), 4, true), (9, None, 4, true)]
        {
            let ended = matches!(begun("[]", "[]", size, first).empty(Some(total)), Added::End);
            assert_eq!(ended, ends, "{first} {size:?} {total}");
        }
    }
}
