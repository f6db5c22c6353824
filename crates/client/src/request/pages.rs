//! The field `pages`: how an API hands out a list in pages.

use std::time::Duration;

use super::fields::{Fields, whole_number};
use super::{Data, Mode, generation, mode};
use crate::basics::json::quoted;
use crate::basics::members::Members;
use crate::basics::pointer::Pointer;
use crate::error::Error;

pub(crate) struct Pages {
    /// The parameter that says which page.
    pub(crate) page: String,
    /// Where the list may stand in a reply, and the number of all items: the first that leads to one counts.
    pub(crate) items: Vec<Pointer>,
    pub(crate) total: Vec<Pointer>,
    /// Whether a reply without that number is refused.
    pub(crate) needs_total: bool,
    /// The number of the first page.
    pub(crate) first: u64,
    /// How many items a page is to have, where that is known.
    pub(crate) size: Option<u64>,
    pub(crate) most: u64,
    pub(crate) limit: Duration,
    /// The parameters up to the number of the page, and behind it.
    around: [String; 2],
}

const NAMES: [&str; 6] = ["page", "size", "items", "total", "max_pages", "timeout_ms"];
const LONGEST_MS: u64 = 86_400_000;

impl Pages {
    pub(super) fn read(request: &Fields<'_>, pages: &Fields<'_>, data: &Data<'_>) -> Result<Pages, Error> {
        pages.only(&[&NAMES])?;
        if !matches!(mode(request, generation::read(request)?)?, Mode::Get | Mode::Post) {
            return Err(request.refuse(
                "mode",
                "与pages一起只能为get或post",
                "must be get or post with `pages`: a list is asked for page by page",
            ));
        }
        let name = |name: &str| -> Result<Option<String>, Error> {
            let given = pages.text(name)?;
            match given.as_deref() {
                Some("") => Err(pages.refuse(name, "不能为空", "must not be empty")),
                _ => Ok(given),
            }
        };
        let pointers = |name: &str| -> Result<Vec<Pointer>, Error> {
            let wrong = || {
                pages.refuse(
                    name,
                    "必须是JSON指针(如/result/list),或由它们组成的数组",
                    "must be a JSON pointer, such as \"/result/list\", or an array of them",
                )
            };
            let texts = match pages.raw(name) {
                Some(raw) if raw.get().starts_with('[') => {
                    let texts: Vec<String> = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
                    if texts.is_empty() { return Err(wrong()) } else { texts }
                }
                _ => Vec::from_iter(pages.text(name)?),
            };
            texts.iter().map(|text| Pointer::parse(text).ok_or_else(wrong)).collect()
        };
        let page = name("page")?.ok_or_else(|| pages.missing("page"))?;
        let data = match data {
            Data::Object(text) => text,
            Data::Text(text) => text.as_str(),
        };
        let members = serde_json::from_str(data).unwrap_or(Members(Vec::new()));
        let count = |name: &str| {
            let Some(raw) = members.find(name) else { return Ok(None) };
            let is_text = raw.get().starts_with('"');
            let number = match is_text {
                true => raw.get().trim_matches('"').parse().ok(),
                false => whole_number(raw).and_then(|number| u64::try_from(number).ok()),
            };
            let shown: String = name.chars().take(40).collect();
            let wrong = || {
                request.refuse(
                    "data_json",
                    &format!("中的{shown}必须是整数"),
                    &format!("holds in \"{shown}\", which `pages` names, no whole number"),
                )
            };
            number.filter(|number| *number < 1 << 53).map(|number| Some((number, is_text))).ok_or_else(wrong)
        };
        let size = match name("size")? {
            None => None,
            Some(size) => count(&size)?.map(|(size, _)| size).filter(|size| *size > 0),
        };
        let (first, is_text) = count(&page)?.unwrap_or((1, false));
        let mut before = String::from("{");
        for (name, value) in members.0.iter().filter(|(name, _)| *name != page) {
            before.extend([&*quoted(name), ":", value.get(), ","]);
        }
        before.extend([&*quoted(&page), if is_text { ":\"" } else { ":" }]);
        Ok(Pages {
            page,
            items: Some(pointers("items")?).filter(|items| !items.is_empty()).ok_or_else(|| pages.missing("items"))?,
            total: pointers("total")?,
            needs_total: pages.raw("total").is_some_and(|raw| raw.get().starts_with('"')),
            first,
            size,
            most: pages.number("max_pages", 1..=100_000)?.unwrap_or(1_000),
            limit: Duration::from_millis(pages.number("timeout_ms", 1..=LONGEST_MS)?.unwrap_or(600_000)),
            around: [before, if is_text { "\"}" } else { "}" }.to_owned()],
        })
    }

    /// The parameters that ask for a page.
    pub(crate) fn data(&self, page: u64) -> String {
        let [before, after] = &self.around;
        [before, &*page.to_string(), after].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(request: &str, data: &str) -> Result<Pages, Error> {
        let fields = Fields::of_text(request, "").unwrap();
        Pages::read(&fields, &fields.object("pages", "pages.").unwrap().unwrap(), &Data::Object(data))
    }

    #[test]
    fn the_parameters_of_a_page_are_those_given_with_another_number() {
        let request = r#"{"mode":"GET","pages":{"page":"pageNum","size":"pageSize","items":"/l"}}"#;
        for (data, first, size, third) in [
            ("{}", 1, None, r#"{"pageNum":3}"#),
            (r#"{"pageNum":0,"pageSize":20,"a":1.10}"#, 0, Some(20), r#"{"pageSize":20,"a":1.10,"pageNum":3}"#),
            (r#"{"pageNum":"2","pageSize":"5"}"#, 2, Some(5), r#"{"pageSize":"5","pageNum":"3"}"#),
        ] {
            let pages = read(request, data).unwrap();
            assert_eq!((pages.first, pages.size, &*pages.data(3)), (first, size, third));
        }
    }

    #[test]
    fn what_is_refused() {
        for (request, data, field) in [
            (r#"{"mode":"put","pages":{"page":"p","items":"/l"}}"#, "{}", "mode"),
            (r#"{"mode":"get","pages":{"items":"/l"}}"#, "{}", "pages.page"),
            (r#"{"mode":"get","pages":{"page":"p"}}"#, "{}", "pages.items"),
            (r#"{"mode":"get","pages":{"page":"p","items":"l"}}"#, "{}", "pages.items"),
            (r#"{"mode":"get","pages":{"page":"p","items":[]}}"#, "{}", "pages.items"),
            (r#"{"mode":"get","pages":{"page":"p","items":["/l","m"]}}"#, "{}", "pages.items"),
            (r#"{"mode":"get","pages":{"page":"p","items":["/l"],"total":[1]}}"#, "{}", "pages.total"),
            (r#"{"mode":"get","pages":{"page":"p","items":"/l","max_pages":0}}"#, "{}", "pages.max_pages"),
            (r#"{"mode":"get","pages":{"page":"p","items":"/l","pagesize":0}}"#, "{}", "pages.pagesize"),
            (r#"{"mode":"get","pages":{"page":"p","items":"/l"}}"#, r#"{"p":"x"}"#, "data_json"),
            (r#"{"mode":"get","pages":{"page":"p","items":"/l"}}"#, r#"{"p":-1}"#, "data_json"),
        ] {
            assert_eq!(read(request, data).err().and_then(|error| error.field).as_deref(), Some(field), "{request}");
        }
    }
}
