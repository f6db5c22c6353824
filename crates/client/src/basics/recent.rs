//! Values by key, of which those that were used last are kept.

/// A list that is short enough to be searched from end to end.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    most: usize,
    /// The one that was used last stands last.
    entries: Vec<(K, V)>,
}

impl<K, V> Recent<K, V> {
    /// Keeps at most so many.
    pub(crate) const fn new(most: usize) -> Recent<K, V> {
        Recent { most, entries: Vec::new() }
    }

    /// The value whose key fits, which counts as a use of it.
    pub(crate) fn get(&mut self, fits: impl Fn(&K) -> bool) -> Option<&mut V> {
        let place = self.entries.iter().position(|(key, _)| fits(key))?;
        let entry = self.entries.remove(place);
        self.entries.push(entry);
        self.entries.last_mut().map(|(_, value)| value)
    }

    /// Adds a value under a key that is not there yet. What was used longest ago makes room for it.
    pub(crate) fn insert(&mut self, key: K, value: V) -> &mut V {
        if self.entries.len() >= self.most {
            self.entries.remove(0);
        }
        self.entries.push((key, value));
        self.entries.last_mut().map(|(_, value)| value).expect("it was put there just now")
    }

    /// Forgets the values that are not to be kept.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&V) -> bool) {
        self.entries.retain(|(_, value)| is_kept(value));
    }

    /// All values, which counts as no use.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let mut recent = Recent::new(2);
        recent.insert("a", 1);
        recent.insert("b", 2);
        assert_eq!(recent.get(|key| *key == "a").copied(), Some(1));
        *recent.insert("c", 3) += 1;
        assert_eq!(recent.get(|key| *key == "b"), None);
        recent.values_mut().for_each(|value| *value *= 10);
        assert_eq!(["a", "c"].map(|name| recent.get(|key| *key == name).copied()), [Some(10), Some(40)]);
    }
}
