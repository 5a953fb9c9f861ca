//! Money as a whole number of minor units with its currency; never a fraction.

/// How many digits a currency's minor unit has (ISO 4217).
pub fn minor_digits(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// Whether a text has the form of a currency code.
pub fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `USD 84.50` for 8450 and `USD`.
pub fn money(minor: i64, currency: &str) -> String {
    let digits = minor_digits(currency);
    let sign = if minor < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", minor.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    let point = if digits == 0 { "" } else { "." };
    format!("{currency} {sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::money;

    #[test]
    fn minor_units_are_placed_by_currency() {
        let cases = [
            (8450, "USD", "USD 84.50"),
            (5, "USD", "USD 0.05"),
            (0, "USD", "USD 0.00"),
            (-1205, "EUR", "EUR -12.05"),
            (1500, "JPY", "JPY 1500"),
            (1, "KWD", "KWD 0.001"),
            (i64::MIN, "NPR", "NPR -92233720368547758.08"),
        ];
        for (minor, currency, expected) in cases {
            assert_eq!(money(minor, currency), expected);
        }
    }
}
