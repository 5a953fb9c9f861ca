//! The geometry of curves.

use super::WIDTH;
use crate::panel::reading::Past;
use jiff::Timestamp;

/// The stretches without a gap.
pub(super) fn pieces(points: &Past) -> Vec<Vec<(Timestamp, f64)>> {
    points
        .split(|(_, value)| value.is_none())
        .map(|piece| {
            piece
                .iter()
                .filter_map(|(at, value)| value.map(|value| (*at, value)))
                .collect()
        })
        .filter(|piece: &Vec<_>| !piece.is_empty())
        .collect()
}

/// At most four places in each column of pixels: the first, the lowest, the highest and the last, in their order. No
/// spike is lost and the text stays short however many points there are.
pub(super) fn thinned(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept = Vec::with_capacity(places.len().min(4 * WIDTH as usize));
    for column in places.chunk_by(|left, right| left.0.floor() == right.0.floor()) {
        let by_height = |left: &(usize, &(f64, f64)), right: &(usize, &(f64, f64))| left.1.1.total_cmp(&right.1.1);
        let lowest = column
            .iter()
            .enumerate()
            .min_by(by_height)
            .map_or(0, |(index, _)| index);
        let highest = column
            .iter()
            .enumerate()
            .max_by(by_height)
            .map_or(0, |(index, _)| index);
        let mut indexes = [0, lowest, highest, column.len() - 1];
        indexes.sort_unstable();
        for (position, index) in indexes.iter().enumerate() {
            if position == 0 || indexes[position - 1] != *index {
                kept.push(column[*index]);
            }
        }
    }
    kept
}
