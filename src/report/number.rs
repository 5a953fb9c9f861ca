//! Numbers as people read them.

/// Whole numbers whole, others with four significant digits: `12`, `0.0123`, `1234.6`.
pub fn plain(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        // Minus zero is zero.
        return format!("{:.0}", number + 0.0);
    }
    if !number.is_finite() || number.abs() >= 1e15 || number.abs() < 1e-6 {
        return format!("{number:e}");
    }
    let before_point = number.abs().log10().floor() as i32 + 1;
    trimmed(number, (4 - before_point).clamp(1, 9) as usize)
}

/// For the narrow space beside an axis: `12`, `1.5k`, `20M`.
pub fn short(number: f64) -> String {
    let size = number.abs();
    let (unit, suffix) = match size {
        _ if size >= 1e15 => return format!("{number:.0e}"),
        _ if size >= 1e12 => (1e12, "T"),
        _ if size >= 1e9 => (1e9, "G"),
        _ if size >= 1e6 => (1e6, "M"),
        _ if size >= 1e4 => (1e3, "k"),
        _ => return plain(number),
    };
    format!("{}{suffix}", trimmed(number / unit, 2))
}

fn trimmed(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let table = [
            (0.0, "0", "0"),
            (-0.0, "0", "0"),
            (12.0, "12", "12"),
            (-3.0, "-3", "-3"),
            (0.5, "0.5", "0.5"),
            (0.012345, "0.01235", "0.01235"),
            (1234.567, "1234.6", "1234.6"),
            (15_000.0, "15000", "15k"),
            (2_500_000.0, "2500000", "2.5M"),
            (1e18, "1e18", "1e18"),
        ];
        for (number, expected, narrow) in table {
            assert_eq!((plain(number).as_str(), short(number).as_str()), (expected, narrow));
        }
    }
}
