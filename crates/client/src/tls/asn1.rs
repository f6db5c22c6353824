//! Pieces of DER that certificates and names in them are read with.

use der::{AnyRef, Decode, Reader, Result, SliceReader, Tag, Tagged};

/// The elements of a SEQUENCE OF or a SET OF.
pub(super) fn elements(list: AnyRef<'_>) -> Result<Vec<AnyRef<'_>>> {
    if !matches!(list.tag(), Tag::Sequence | Tag::Set) {
        return Err(list.tag().value_error().into());
    }
    let mut reader = SliceReader::new(list.value())?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(AnyRef::decode(&mut reader)?);
    }
    Ok(elements)
}

/// Whether a tag is `[number]`.
pub(super) fn is_tagged(tag: Tag, number: u32) -> bool {
    tag.is_context_specific() && tag.number().value() == number
}
