//! Whether bytes stand in the pairs of Chinese, by their values alone.

/// Whether all that is not ASCII stands in pairs of GB2312. Letters with accents seldom stand in pairs, and never all of
/// a text's.
pub(super) fn is_gb2312(bytes: &[u8]) -> bool {
    leads_of_gb2312(bytes).is_some()
}

/// Whether it is GBK most of whose characters are those of GB2312. Of a text with accents a letter and its neighbour may
/// look like one of GBK's others, but seldom do two accents stand side by side.
pub(super) fn is_mostly_pairs(bytes: &[u8]) -> bool {
    let (mut rest, mut pairs, mut others) = (bytes, 0_usize, 0_usize);
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (..=0x80, _) => after,
            (0xa1..=0xf7, [0xa1..=0xfe, after @ ..]) => {
                pairs = pairs.saturating_add(1);
                after
            }
            (0x81..=0xfe, [0x40..=0x7e | 0x80..=0xfe, after @ ..]) => {
                others = others.saturating_add(1);
                after
            }
            _ => return false,
        };
    }
    pairs > others
}

/// Whether it is GB2312 as people write it: punctuation and characters, more than half of them of the first level, the
/// common ones. The common characters of Big5 begin with 0xa4 to 0xaf, where GB2312 has kana, lines, or nothing.
pub(super) fn is_likely_gb2312(bytes: &[u8]) -> bool {
    let Some(leads) = leads_of_gb2312(bytes) else { return false };
    let is_written = leads.iter().all(|lead| matches!(lead, 0xa1..=0xa3 | 0xb0..=0xf7));
    let common = leads.iter().filter(|lead| matches!(lead, 0xb0..=0xd7)).count();
    let rare = leads.iter().filter(|lead| matches!(lead, 0xd8..=0xf7)).count();
    is_written && common > rare
}

/// The first bytes of its pairs, if all that is not ASCII stands in pairs of GB2312.
fn leads_of_gb2312(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut leads) = (bytes, Vec::new());
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (..0x80, _) => after,
            (0xa1..=0xf7, [0xa1..=0xfe, after @ ..]) => {
                leads.push(*first);
                after
            }
            _ => return None,
        };
    }
    Some(leads)
}
