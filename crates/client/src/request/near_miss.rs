//! Slips in names.

/// The known name that `name` is probably a slip of.
pub(super) fn meant_by<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    // Case and separators are the commonest slips, so they cost nothing.
    let fold = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let folded = fold(name);
    let slips = |known: &&str| strsim::osa_distance(&folded, &fold(known));
    let best = known.iter().copied().min_by_key(slips)?;
    // Three letters in ten may be wrong.
    let longest = folded.len().max(fold(best).len());
    (slips(&best) * 10 <= longest * 3).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_named() {
        let known = ["host", "accesstoken", "rest_type", "timeout_ms", "retry", "retry_mode"];
        for (slip, meant) in [
            ("acesstoken", Some("accesstoken")),
            ("accessToken", Some("accesstoken")),
            ("restType", Some("rest_type")),
            ("timeout", Some("timeout_ms")),
            ("timeout-ms", Some("timeout_ms")),
            ("Host", Some("host")),
            ("retrys", Some("retry")),
            ("zzz", None),
        ] {
            assert_eq!(meant_by(slip, &known), meant, "{slip}");
        }
    }
}
