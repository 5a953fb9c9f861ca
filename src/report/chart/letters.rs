//! The letters of charts: fonts that are embedded, and text that can be drawn with them.

use super::ChartSpec;
use crate::report::unseen::is_unseen;
use resvg::usvg::fontdb::{Database, Source};
use skrifa::{FontRef, MetadataProvider};
use std::fmt::{self, Write};
use std::sync::{Arc, LazyLock};

/// One of the fonts. A text is written in one of them: of two, letters that belong together would not be joined.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Font {
    /// As the SVG text names it.
    pub(super) family: &'static str,
    file: &'static [u8],
}

/// Latin, Greek, Cyrillic, Arabic, Hebrew and more.
pub(super) const COMMON: Font = Font {
    family: "DejaVu Sans",
    file: include_bytes!("../font/DejaVuSans.ttf"),
};

/// For Nepali and its neighbours, with the Latin letters that stand beside them: cut out of Noto Sans Devanagari.
pub(super) const DEVANAGARI: Font = Font {
    family: "Noto Sans Devanagari",
    file: include_bytes!("../font/NotoSansDevanagari.ttf"),
};

/// Stands for a letter that the font does not have. The font's own sign for that looks the same, and nobody could tell why.
pub(super) const UNKNOWN: char = '\u{25a1}';

/// Below a chart that has one.
pub(super) const UNKNOWN_NOTE: &str = "□ is a letter that this picture has no font for; its description has the words.";

/// The only fonts there are: no machine's own fonts are looked at.
pub(super) static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    for font in [COMMON, DEVANAGARI] {
        fonts.load_font_source(Source::Binary(Arc::new(font.file)));
    }
    Arc::new(fonts)
});

impl Font {
    /// The one that a text is written in.
    pub(super) fn of(text: &str) -> &'static Self {
        if text.chars().any(is_devanagari) {
            &DEVANAGARI
        } else {
            &COMMON
        }
    }

    fn has(&self, letter: char) -> bool {
        letter.is_ascii() || FontRef::new(self.file).is_ok_and(|font| font.charmap().map(letter).is_some())
    }
}

fn is_devanagari(letter: char) -> bool {
    ('\u{900}'..='\u{97f}').contains(&letter)
}

/// The joiners belong to the word that they stand in.
fn is_of_its_words(letter: char) -> bool {
    is_devanagari(letter) || matches!(letter, '\u{200c}' | '\u{200d}')
}

/// Whether something that a chart says has a letter that its font does not have.
pub(super) fn has_unknown(spec: &ChartSpec) -> bool {
    let (drawn, rest) = spec.drawn();
    let strips = drawn.iter().flat_map(|strip| {
        let texts = [&strip.label, &strip.unit].into_iter();
        let texts = texts.chain(&strip.begins).chain(&strip.missing).chain(&strip.remarks);
        texts.map(String::as_str).chain(strip.curves.names())
    });
    let band = spec.band.iter().map(|band| band.label.as_str());
    let mut texts = strips.chain(band).chain(rest).chain(spec.note.as_deref());
    let unknown = |text: &str| {
        let font = Font::of(text);
        text.chars().any(|letter| !is_unseen(letter) && !font.has(letter))
    };
    unknown(&spec.title) || texts.any(unknown)
}

/// So many letters at most.
pub(super) fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some(_) => text.chars().take(letters - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// Text that cannot end the element it stands in. Characters that XML does not admit, or that turn the text around them,
/// become the replacement character. Words in Devanagari are set apart, as a text of another direction would be: letters
/// are joined by the rules of the script that a stretch of text begins with.
pub(super) struct Escaped<'t>(pub(super) &'t str);

const BEGIN_APART: char = '\u{2066}';
const END_APART: char = '\u{2069}';

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let font = Font::of(self.0);
        let mut is_apart = false;
        for letter in self.0.chars() {
            let is_to_be = *font == DEVANAGARI && is_of_its_words(letter);
            if is_apart != is_to_be {
                f.write_char(if is_to_be { BEGIN_APART } else { END_APART })?;
                is_apart = is_to_be;
            }
            match letter {
                '&' => f.write_str("&amp;"),
                '<' => f.write_str("&lt;"),
                '>' => f.write_str("&gt;"),
                '"' => f.write_str("&quot;"),
                '\'' => f.write_str("&apos;"),
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}'),
                _ if is_unseen(letter) => f.write_char('\u{fffd}'),
                _ if !font.has(letter) => f.write_char(UNKNOWN),
                _ => f.write_char(letter),
            }?;
        }
        if is_apart {
            f.write_char(END_APART)?;
        }
        Ok(())
    }
}

/// The attribute of a text that is not written in the common font, or nothing.
pub(super) struct Family<'t>(pub(super) &'t str);

impl fmt::Display for Family<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Font::of(self.0) {
            font if *font == COMMON => Ok(()),
            font => write!(f, r#" font-family="{}""#, font.family),
        }
    }
}
