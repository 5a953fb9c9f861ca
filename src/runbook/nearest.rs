//! "Did you mean": the one known word that a mistyped one most likely stands for.

/// The nearest word, if any is near enough to be worth a question.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Whoever pastes a kilobyte did not mistype a name.
    if word.chars().count() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}
