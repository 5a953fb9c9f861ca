//! Charts as pictures: one strip for each signal over one time axis, gaps as gaps, the run as a shaded band. A signal of
//! several numbers has several curves in its strip, and a legend; several panels stand below each other, each under its
//! title. The chart is written as SVG text, which tests can read, and drawn from it with fonts of our own, so that it looks
//! the same on every machine.

mod curve;
mod letters;
mod numbers;
mod scale;
mod svg;
#[cfg(test)]
mod tests;
mod words;

use crate::panel::reading::Past;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use resvg::{tiny_skia, usvg};

pub use numbers::{COLUMNS, remarks, rows};
pub use words::{alt, heading};

/// The picture's width in pixels. Chat clients show it at half of that on a phone, and the letters are sized for it.
pub const WIDTH: u32 = 800;

/// Strips beyond this many are named below the chart and not drawn.
pub const MOST_STRIPS: usize = 8;

/// What a chart shows.
#[derive(Debug, Clone)]
pub struct ChartSpec {
    /// Above it; where it shows several panels, all their titles.
    pub title: String,
    /// The left edge.
    pub start: Timestamp,
    /// The right edge.
    pub end: Timestamp,
    /// Times are shown in this zone, which is named.
    pub zone: TimeZone,
    /// One below the other.
    pub strips: Vec<Strip>,
    /// The run.
    pub band: Option<Band>,
    /// Below the chart.
    pub note: Option<String>,
    /// Light or dark.
    pub theme: Theme,
}

/// One signal over time.
#[derive(Debug, Clone)]
pub struct Strip {
    /// The title of the panel that begins with it, where the chart shows several.
    pub begins: Option<String>,
    /// The signal, in words.
    pub label: String,
    /// What is counted or measured; may be empty.
    pub unit: String,
    /// What is drawn.
    pub curves: Curves,
    /// A value worth a line across the strip.
    pub threshold: Option<f64>,
    /// Why there is no data, said where there is none.
    pub missing: Option<String>,
    /// What must be known to read it right, said below the chart.
    pub remarks: Vec<String>,
}

/// What is drawn in a strip. Points are in the order of time; `None` is a gap, and [`with_gaps`] makes them of samples.
#[derive(Debug, Clone)]
pub enum Curves {
    /// The signal is one number.
    One(Past),
    /// The signal is several numbers; a legend tells which is which.
    Named {
        /// The largest first.
        named: Vec<Curve>,
        /// Those without a name of their own, as one.
        rest: Option<Curve>,
    },
}

/// One of several.
#[derive(Debug, Clone)]
pub struct Curve {
    /// As the legend says it.
    pub name: String,
    /// Over time.
    pub points: Past,
}

/// A span of time to mark.
#[derive(Debug, Clone)]
pub struct Band {
    /// Its left edge.
    pub start: Timestamp,
    /// Its right edge; the same as `start` marks a moment.
    pub end: Timestamp,
    /// What it is.
    pub label: String,
}

/// The colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark letters on white.
    Light,
    /// Light letters on black.
    Dark,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The end is not after the start.
    #[error("a chart from {start} to {end} has no width; choose an end after its start")]
    EmptySpan {
        /// The left edge.
        start: Timestamp,
        /// The right edge.
        end: Timestamp,
    },
    /// Nothing was asked for.
    #[error("the chart `{title}` has no signals; name at least one")]
    NoStrips {
        /// The chart's title.
        title: String,
    },
    /// The SVG text is not understood: a defect of this module.
    #[error("the chart's SVG text was not understood")]
    Svg(#[from] usvg::Error),
    /// The picture cannot be held or encoded: a defect of this module.
    #[error("the chart could not become a PNG: {0}")]
    Png(String),
}

/// The chart as a PNG.
pub fn draw(spec: &ChartSpec) -> Result<Vec<u8>, ChartError> {
    let options = usvg::Options {
        fontdb: letters::FONTS.clone(),
        font_family: letters::COMMON.family.to_owned(),
        ..Default::default()
    };
    let tree = usvg::Tree::from_str(&text(spec)?, &options)?;
    let size = tree.size().to_int_size();
    let mut picture = tiny_skia::Pixmap::new(size.width(), size.height())
        .ok_or_else(|| ChartError::Png(format!("{} x {} pixels", size.width(), size.height())))?;
    resvg::render(&tree, tiny_skia::Transform::default(), &mut picture.as_mut());
    encode(&picture).map_err(|error| ChartError::Png(error.to_string()))
}

/// The ground is opaque, so no pixel needs its alpha. Flat colours compress best without a filter, and higher levels take
/// twice the time for a few bytes.
fn encode(picture: &tiny_skia::Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let rgb: Vec<u8> = picture
        .pixels()
        .iter()
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_filter(png::Filter::NoFilter);
    encoder.set_deflate_compression(png::DeflateCompression::Level(3));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(bytes)
}

/// The chart as SVG text; the same spec always gives the same text.
pub fn text(spec: &ChartSpec) -> Result<String, ChartError> {
    if spec.end <= spec.start {
        return Err(ChartError::EmptySpan {
            start: spec.start,
            end: spec.end,
        });
    }
    if spec.strips.is_empty() {
        return Err(ChartError::NoStrips {
            title: spec.title.clone(),
        });
    }
    Ok(svg::write(spec))
}

impl Strip {
    /// The label with its unit, unless it names the unit already.
    fn heading(&self) -> String {
        if self.unit.is_empty() || format!(" {} ", self.label).contains(&format!(" {} ", self.unit)) {
            self.label.clone()
        } else {
            format!("{} ({})", self.label, self.unit)
        }
    }
}

impl Curves {
    /// Nothing to draw.
    pub fn none() -> Self {
        Self::One(Past::new())
    }

    /// What the legend calls them.
    fn names(&self) -> impl Iterator<Item = &str> {
        let (named, rest) = match self {
            Self::One(_) => (&[][..], None),
            Self::Named { named, rest } => (named.as_slice(), rest.as_ref()),
        };
        named.iter().chain(rest).map(|curve| curve.name.as_str())
    }

    /// Each curve by itself.
    pub fn each(&self) -> impl Iterator<Item = &Past> {
        let (one, named, rest) = match self {
            Self::One(points) => (Some(points), &[][..], None),
            Self::Named { named, rest } => (None, named.as_slice(), rest.as_ref()),
        };
        one.into_iter()
            .chain(named.iter().chain(rest).map(|curve| &curve.points))
    }
}

/// Samples that should be `step` apart, with a gap wherever at least one is missing.
pub fn with_gaps(samples: &[(Timestamp, Option<f64>)], step: SignedDuration) -> Vec<(Timestamp, Option<f64>)> {
    let mut points = Vec::with_capacity(samples.len());
    let mut before: Option<Timestamp> = None;
    for &(at, value) in samples {
        if let Some(before) = before
            && at.duration_since(before).as_secs_f64() > 1.5 * step.as_secs_f64()
        {
            points.push((before + step, None));
        }
        points.push((at, value));
        before = Some(at);
    }
    points
}

/// A number that can be drawn. Infinities and what is beyond all measure are gaps.
fn drawable(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.abs() < 1e100)
}

impl ChartSpec {
    /// The points that lie within the span, in the order of time.
    fn visible(&self, points: &Past) -> Past {
        let within = points.iter().filter(|(at, _)| (self.start..=self.end).contains(at));
        let mut points: Past = within.map(|&(at, value)| (at, drawable(value))).collect();
        points.sort_by_key(|(at, _)| *at);
        points
    }

    /// The strips that are drawn, and the labels of those that are too many.
    fn drawn(&self) -> (&[Strip], Vec<&str>) {
        let (drawn, rest) = self.strips.split_at(self.strips.len().min(MOST_STRIPS));
        (drawn, rest.iter().map(|strip| strip.label.as_str()).collect())
    }

    /// Whether the panels' titles stand between the strips, and none above all of them.
    fn shows_several_panels(&self) -> bool {
        self.strips.iter().any(|strip| strip.begins.is_some())
    }

    /// What must be known to read the strips right. What holds for several is said once.
    fn remarks(&self) -> Vec<String> {
        let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
        for strip in self.drawn().0 {
            for remark in &strip.remarks {
                match said.iter_mut().find(|(it, _)| it == remark) {
                    Some((_, labels)) => labels.push(&strip.label),
                    None => said.push((remark, vec![&strip.label])),
                }
            }
        }
        said.into_iter()
            .map(|(remark, labels)| format!("{}: {remark}", labels.join(", ")))
            .collect()
    }
}
