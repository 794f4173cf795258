//! In which order a model's targets are tried.

/// The order of `weights.len()` targets drawn at random by weight, without replacement. A target of weight zero is
/// never drawn first; it stands at the end, for when all others fail. `random` gives any number at each call.
pub fn weighted_order(weights: &[u32], mut random: impl FnMut() -> u64) -> Vec<usize> {
    let mut left: Vec<usize> = (0..weights.len()).collect();
    let mut order = Vec::with_capacity(weights.len());
    let weight = |i: &usize| u64::from(weights.get(*i).copied().unwrap_or_default());
    while left.len() > 1 {
        let sum: u64 = left.iter().map(weight).sum();
        if sum == 0 {
            break;
        }
        let mut point = random() % sum;
        let drawn = left.iter().position(|i| {
            let hit = point < weight(i);
            point = point.saturating_sub(weight(i));
            hit
        });
        order.push(left.remove(drawn.unwrap_or_default()));
    }
    order.append(&mut left);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_stands_once_and_weights_converge() {
        let mut state = 7_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 16
        };
        let mut first = [0_u32; 3];
        for _ in 0..20_000 {
            let order = weighted_order(&[90, 10, 0], &mut random);
            first[order[0]] += 1;
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2]);
            assert_eq!(order[2], 2);
        }
        assert!((17_700..18_300).contains(&first[0]), "{first:?}");
        assert_eq!(first[2], 0);
    }

    #[test]
    fn nothing_and_one() {
        assert!(weighted_order(&[], || 1).is_empty());
        assert_eq!(weighted_order(&[5], || 1), [0]);
        assert_eq!(weighted_order(&[0, 0], || 1), [0, 1]);
    }
}
