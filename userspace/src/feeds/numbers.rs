//! On which line each entry stands.

/// The numbers of the lines of entries, in their order. Nearly always the next entry is on the next line, so only the
/// exceptions take memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LineNumbers {
    /// From which entry on: its line is so much more than its index. Wrapping, as the difference may be negative where
    /// several entries share a line.
    steps: Vec<(u32, u32)>,
    ahead: u32,
}

impl LineNumbers {
    /// Notes the line of the entry with this index, which must not be before those that were noted. As long as nothing else
    /// is noted, each further entry is on the next line.
    pub(super) fn push(&mut self, index: usize, line: u32) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "lines are counted in 32 bits, and so are their entries"
        )]
        let index = index as u32;
        let ahead = line.wrapping_sub(index);
        if ahead != self.ahead {
            self.ahead = ahead;
            self.steps.push((index, ahead));
        }
    }

    /// The lines of all entries, without end: of as many as there are entries they are right.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let mut steps = self.steps.iter().copied().peekable();
        let mut ahead = 0;
        (0..=u32::MAX).map(move |index| {
            if let Some((_, next)) = steps.next_if(|(from, _)| *from == index) {
                ahead = next;
            }
            index.wrapping_add(ahead)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_without_gaps_takes_one_step() {
        let mut numbers = LineNumbers::default();
        (0..1000).for_each(|index| numbers.push(index, 1 + u32::try_from(index).unwrap()));
        assert_eq!(numbers.steps, [(0, 1)]);
    }

    proptest! {
        #[test]
        fn what_is_noted_is_told(lines in prop::collection::vec(0_u32..20, 0..50)) {
            let mut numbers = LineNumbers::default();
            lines.iter().enumerate().for_each(|(index, line)| numbers.push(index, *line));
            prop_assert_eq!(numbers.iter().take(lines.len()).collect::<Vec<_>>(), lines);
        }
    }
}
