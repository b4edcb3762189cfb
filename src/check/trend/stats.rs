//! Statistics that hold for short and noisy series. None of them assumes a distribution.

/// The middle value, or the mean of the two in the middle; `None` of none.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    match sorted.len() % 2 {
        1 => Some(upper),
        _ => sorted.get(middle.checked_sub(1)?).map(|lower| f64::midpoint(*lower, upper)),
    }
}

/// The deviation that stands for one standard deviation: the median absolute deviation, or, where more than half
/// of the values are equal, the mean one (Iglewicz and Hoaglin 1993). `values` are differences from the middle.
pub(super) fn deviation(values: &[f64]) -> Option<f64> {
    let absolute: Vec<f64> = values.iter().map(|value| value.abs()).collect();
    let mad = 1.482_602 * median(&absolute)?;
    if mad > 0.0 {
        return Some(mad);
    }
    let mean = absolute.iter().sum::<f64>() / absolute.len() as f64;
    (mean > 0.0).then_some(1.253_314 * mean)
}

/// The median of all slopes between two points (Theil 1950, Sen 1968), with the interval that holds the true
/// slope with 95 %, from the variance of Kendall's S with its correction for ties. `None`: fewer than three.
pub(super) fn theil_sen(points: &[(f64, f64)]) -> Option<(f64, f64, f64)> {
    const Z: f64 = 1.959_964;
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (i, (x, y)) in points.iter().enumerate() {
        let later = points.iter().skip(i + 1).filter(|(later, _)| later > x);
        slopes.extend(later.map(|(later, value)| (value - y) / (later - x)));
    }
    if points.len() < 3 || slopes.is_empty() {
        return None;
    }
    slopes.sort_by(f64::total_cmp);
    let n = points.len() as f64;
    let of = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut values: Vec<f64> = points.iter().map(|(_, y)| *y).collect();
    values.sort_by(f64::total_cmp);
    let ties: f64 = values.chunk_by(|a, b| a == b).map(|equal| of(equal.len() as f64)).sum();
    let sigma = ((of(n) - ties) / 18.0).max(0.0).sqrt();
    let count = slopes.len() as f64;
    let at = |place: f64| slopes.get((place.max(0.0) as usize).min(slopes.len() - 1)).copied();
    let low = at(((count - Z * sigma) / 2.0).round_ties_even() - 1.0)?;
    let high = at(((count + Z * sigma) / 2.0).round_ties_even())?;
    Some((median(&slopes)?, low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_deviations_are_those_of_the_book() {
        assert_eq!((median(&[]), median(&[3.0]), median(&[4.0, 1.0])), (None, Some(3.0), Some(2.5)));
        // Iglewicz and Hoaglin 1993: ten measurements, two of them wrong
        let data = [3.2, 3.3, 8.1, 3.2, 2.9, 3.7, 3.1, 3.5, 3.3, 9.4];
        let middle = median(&data).unwrap_or(0.0);
        let scale = deviation(&data.map(|x| x - middle)).unwrap_or(0.0);
        let wrong: Vec<f64> = data.iter().copied().filter(|x| (x - middle).abs() / scale > 3.5).collect();
        assert_eq!(wrong, [8.1, 9.4]);
        // more than half are equal: the mean deviation stands in
        assert!((deviation(&[0.0, 0.0, 0.0, 4.0]).unwrap_or(0.0) - 1.253_314).abs() < 1e-9);
        assert_eq!(deviation(&[0.0, 0.0]), None);
    }

    /// As `scipy.stats.theilslopes` of SciPy 1.17.1 has them, at 95 %.
    #[test]
    fn slopes_and_their_intervals_are_those_of_scipy() {
        let plain = |values: &[f64]| -> Vec<(f64, f64)> { (0..).map(f64::from).zip(values.iter().copied()).collect() };
        let days = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.1, 7.0, 8.0, 9.0, 10.0, 11.25];
        // many equal, one far too low, one far too high
        let rows = [100.0, 100.0, 103.0, 103.0, 103.0, 110.0, 90.0, 112.0, 112.0, 115.0, 115.0, 300.0];
        for (points, expected) in [
            (plain(&[1.0, 3.0, 2.0, 5.0, 4.0, 8.0, 6.0, 9.0, 12.0, 10.0]), (1.142_857_142_857_142_8, 0.75, 1.4)),
            (days.into_iter().zip(rows).collect(), (1.714_285_714_285_714_2, 1.0, 3.0)),
            (plain(&[5.0; 8]), (0.0, 0.0, 0.0)),
        ] {
            let (slope, low, high) = theil_sen(&points).unwrap_or_default();
            for (found, expected) in [(slope, expected.0), (low, expected.1), (high, expected.2)] {
                assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}: {points:?}");
            }
        }
        assert_eq!(theil_sen(&plain(&[1.0, 2.0])), None);
    }
}
