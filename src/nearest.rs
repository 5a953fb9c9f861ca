//! "Did you mean": for the people who write files, and for those who may ask.

/// The known word that was most likely meant, if one is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

/// The way out of an unknown word: the one that was meant, or all there are.
pub fn way_out<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(meant) = nearest(word, known.clone()) {
        return format!("did you mean `{meant}`?");
    }
    let mut all: Vec<String> = known.into_iter().map(|known| format!("`{known}`")).collect();
    all.sort();
    if all.is_empty() {
        "there is none".to_owned()
    } else {
        format!("there is {}", all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_the_list() {
        let known = ["listen", "public_url", "demo"];
        for (word, expected) in [
            ("lisen", "did you mean `listen`?"),
            ("publicurl", "did you mean `public_url`?"),
            ("dem", "did you mean `demo`?"),
            ("port", "there is `demo`, `listen`, `public_url`"),
        ] {
            assert_eq!(way_out(word, known), expected);
        }
        assert_eq!(way_out("port", []), "there is none");
    }
}
