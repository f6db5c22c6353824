//! What two texts have in common: runs of eight characters, or the whole of a shorter one.

use zeroize::Zeroizing;

/// Whoever sees so many characters of a secret in a row has it as good as known; fewer are words of every page.
const RUN: usize = 8;
/// A text of fewer bytes stands everywhere.
const SHORTEST: usize = 4;

/// The runs of one or several readings of a text, in order, each with the place where it begins.
#[derive(Default)]
pub(super) struct Runs(Zeroizing<Vec<(u128, usize)>>);

impl Runs {
    /// `readings` are characters with their places.
    pub(super) fn of<R: Iterator<Item = (char, usize)>>(readings: impl Iterator<Item = R> + Clone) -> Runs {
        // Sized beforehand, so that no reallocation leaves a copy of a secret behind.
        let length = readings.clone().map(Iterator::count).fold(0, usize::saturating_add);
        let mut runs = Zeroizing::new(Vec::with_capacity(length));
        for reading in readings {
            let from = runs.len();
            runs.extend(reading.map(|(c, place)| (u128::from(unit(c)) << (16 * (RUN - 1)), place)));
            // Backwards: a run is its first character, and the run that begins with the second less its last.
            let mut next = 0;
            for (run, _) in runs.iter_mut().skip(from).rev() {
                *run |= next >> 16;
                next = *run;
            }
        }
        runs.sort_unstable();
        Runs(runs)
    }

    /// The first place where the text shows eight characters of another in a row, or all of it where it is shorter.
    pub(super) fn first_of(&self, other: impl Iterator<Item = char>) -> Option<usize> {
        let (mut run, mut count, mut bytes, mut first) = (0_u128, 0_usize, 0_usize, None);
        for c in other {
            run = run << 16 | u128::from(unit(c));
            count = count.saturating_add(1);
            bytes = bytes.saturating_add(c.len_utf8());
            if count >= RUN {
                first = earlier(first, self.first_that_begins_with(run, 0));
            }
        }
        if count < RUN && bytes >= SHORTEST {
            let missing = u32::try_from(16 * (RUN - count)).expect("a run has 128 bits");
            first = self.first_that_begins_with(run, missing);
        }
        first
    }

    /// `missing`: so many bits of a whole run.
    fn first_that_begins_with(&self, beginning: u128, missing: u32) -> Option<usize> {
        let least = beginning << missing;
        let from = self.0.partition_point(|(run, _)| *run < least);
        let fitting = self.0.get(from..)?.iter().take_while(|(run, _)| run >> missing == beginning);
        match missing {
            // Of equal runs the first is the earliest.
            0 => fitting.map(|(_, place)| *place).next(),
            _ => fitting.map(|(_, place)| *place).min(),
        }
    }
}

fn earlier(one: Option<usize>, other: Option<usize>) -> Option<usize> {
    [one, other].into_iter().flatten().min()
}

/// A character in sixteen bits; case and width do not count.
fn unit(c: char) -> u16 {
    let c = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).expect("each has its like in ASCII"),
        c => c,
    };
    let [high, low] = [u32::from(c.to_ascii_lowercase()) >> 16, u32::from(c.to_ascii_lowercase()) & 0xffff];
    // Zero is the end of a text.
    u16::try_from(high ^ low).expect("both have sixteen bits").max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> impl Iterator<Item = (char, usize)> + Clone {
        text.char_indices().map(|(place, c)| (c, place))
    }

    fn first(text: &str, other: &str) -> Option<usize> {
        Runs::of([reading(text)].into_iter()).first_of(other.chars())
    }

    #[test]
    fn eight_characters_in_a_row_are_found_where_they_begin() {
        for (text, other, expected) in [
            ("xx9F2c4b7e", "09f2c4b7e1d5a", Some(2)),
            ("xx9f2c4b7", "9f2c4b7e1d5a", None),
            ("张三李四王五赵六。", "有张三李四王五赵六", Some(0)),
            ("12345678 abcdefgh", "abcdefgh12345678", Some(0)),
            ("\u{ff11}2345678", "12345678", Some(0)),
            ("", "12345678", None),
            ("12345678", "", None),
        ] {
            assert_eq!(first(text, other), expected, "{text} {other}");
        }
    }

    #[test]
    fn a_short_text_is_found_whole() {
        for (text, other, expected) in [
            ("no hunter2, hunter2", "hunter2", Some(3)),
            ("hunter3", "hunter2", None),
            ("hunter", "hunter2", None),
            ("的张三", "张三", Some(3)),
            ("abc", "abc", None),
        ] {
            assert_eq!(first(text, other), expected, "{text} {other}");
        }
    }

    #[test]
    fn no_run_goes_from_one_reading_into_the_next() {
        let runs = Runs::of(["1234", "5678"].map(reading).into_iter());
        assert_eq!(runs.first_of("12345678".chars()), None);
    }
}
