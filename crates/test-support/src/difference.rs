//! Where two answers differ that should be the same.

use serde_json::Value;

/// Fails with the first place in which a part differs. Each of the two comes with whose it is.
pub fn equal(part: &str, one: (&str, &Value), other: (&str, &Value)) -> Result<(), String> {
    if one.1 == other.1 {
        return Ok(());
    }
    let (one_text, other_text) = (one.1.to_string(), other.1.to_string());
    let same = one_text.chars().zip(other_text.chars()).take_while(|(a, b)| a == b).count();
    Err(format!(
        "{part} differs from character {same} on\n    {}: {}\n    {}: {}",
        one.0,
        excerpt(&one_text, same),
        other.0,
        excerpt(&other_text, same)
    ))
}

/// The text, or where it is long what lies around the place.
pub fn excerpt(text: &str, place: usize) -> String {
    let count = text.chars().count();
    if count <= 400 {
        return text.to_owned();
    }
    let shown: String = text.chars().skip(place.saturating_sub(100)).take(200).collect();
    format!("… {shown} … ({count} characters)")
}
