//! Which images a run trains on, and which it is watched with.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Indices of `count` images with as many of each class as can be, the classes in `labels`
/// numbered from 0, those in `taken` left out. Nothing where a class has too few.
pub(super) fn balanced(
    labels: &[u8],
    classes: usize,
    count: usize,
    taken: &[usize],
    rng: &mut ChaCha8Rng,
) -> Option<Vec<usize>> {
    let mut free = vec![true; labels.len()];
    for &index in taken {
        *free.get_mut(index)? = false;
    }
    let mut by_class: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for (index, &label) in labels.iter().enumerate().filter(|(index, _)| free[*index]) {
        by_class.get_mut(usize::from(label))?.push(index);
    }
    // Classes that get one more than the others are drawn.
    let mut order: Vec<usize> = (0..classes).collect();
    order.shuffle(rng);
    let mut chosen = Vec::with_capacity(count);
    for (rank, class) in order.into_iter().enumerate() {
        let of_class = &mut by_class[class];
        of_class.shuffle(rng);
        let wanted = count / classes + usize::from(rank < count % classes);
        chosen.extend_from_slice(of_class.get(..wanted)?);
    }
    chosen.shuffle(rng);
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn classes_are_balanced_and_sets_apart() {
        let labels: Vec<u8> = (0..100).map(|i| [0, 1, 1, 2][i % 4]).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let first = balanced(&labels, 3, 32, &[], &mut rng).unwrap();
        let mut counts = [0; 3];
        for &i in &first {
            counts[usize::from(labels[i])] += 1;
        }
        counts.sort_unstable();
        assert_eq!(counts, [10, 11, 11]);
        let second = balanced(&labels, 3, 42, &first, &mut rng).unwrap();
        assert!(second.iter().all(|i| !first.contains(i)));
        let mut all = [first.clone(), second].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 74);
        // 25 of class 0, 11 of which may be taken.
        assert_eq!(balanced(&labels, 3, 60, &first, &mut rng), None);
        let mut again = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(balanced(&labels, 3, 32, &[], &mut again), Some(first));
    }
}
