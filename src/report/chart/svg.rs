//! The chart as SVG text.

use super::curve::{pieces, thinned};
use super::letters::{COMMON, Escaped, Family, UNKNOWN_NOTE, cut, has_unknown};
use super::scale::{Scale, clock, span, times};
use super::{Band, ChartSpec, Curve, Curves, Strip, Theme, WIDTH};
use crate::panel::reading::Past;
use crate::report::number::{plain, short};
use crate::report::wrap::wrap;
use jiff::Timestamp;
use std::fmt::{self, Write};

const MARGIN: f64 = 20.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = WIDTH as f64 - MARGIN;
/// From the top of the picture to the first strip: with the title, without it, and what the band's label takes.
const HEAD: f64 = 72.0;
const HEAD_WITHOUT_TITLE: f64 = 44.0;
const BAND_LABEL: f64 = 26.0;
/// The title of a panel, where there are several.
const PANEL_TITLE: f64 = 46.0;
/// A strip: its label, a legend where there are several curves, the plot, the space below.
const LABEL: f64 = 34.0;
const LEGEND_ROW: f64 = 24.0;
const LEGEND_COLUMNS: usize = 2;
const PLOT: f64 = 88.0;
const PLOT_OF_SEVERAL: f64 = 140.0;
const BELOW: f64 = 16.0;
const AXIS: f64 = 26.0;
const NOTE_LINE: f64 = 21.0;
/// Letters of the note in one line, and of a title: the font's letters are about 0.6 of their size wide.
const NOTE_LETTERS: usize = 84;
const TITLE_LETTERS: usize = 54;
const MISSING_LETTERS: usize = 72;
const NAME_LETTERS: usize = 29;
/// A remark is a sentence; what Prometheus warns of may be longer.
const REMARK_LINES: usize = 4;

struct Colours {
    ground: &'static str,
    text: &'static str,
    faint: &'static str,
    grid: &'static str,
    band: &'static str,
    threshold: &'static str,
    lines: [&'static str; 4],
    /// Further ones, where more than four curves share a strip.
    more: [&'static str; 2],
}

const DARK: Colours = Colours {
    ground: "#181b1f",
    text: "#d8d9e0",
    faint: "#9fa1ac",
    grid: "#2f333a",
    band: "#5794f2",
    threshold: "#f2495c",
    lines: ["#73bf69", "#ff9830", "#5794f2", "#ca95e5"],
    more: ["#fade2a", "#5cd6e6"],
};

const LIGHT: Colours = Colours {
    ground: "#ffffff",
    text: "#1f2328",
    faint: "#5b626b",
    grid: "#e3e6ea",
    band: "#1f60c4",
    threshold: "#c4162a",
    lines: ["#37872d", "#c25a00", "#1f60c4", "#8f3bb8"],
    more: ["#7a5c00", "#0092a6"],
};

/// How a curve is drawn. The dashes tell curves apart where colours do not.
#[derive(Clone, Copy)]
struct Look {
    colour: &'static str,
    /// Of SVG; nothing is a solid line.
    dashes: &'static str,
    width: f64,
}

/// What the strips share.
struct Frame<'s> {
    spec: &'s ChartSpec,
    colours: &'static Colours,
}

/// Writing to a `String` cannot fail, so the results of `write!` are let go throughout.
pub(super) fn write(spec: &ChartSpec) -> String {
    let colours = match spec.theme {
        Theme::Dark => &DARK,
        Theme::Light => &LIGHT,
    };
    let frame = Frame { spec, colours };
    let (drawn, rest) = spec.drawn();
    let mut notes: Vec<(&str, String)> = Vec::new();
    for remark in spec.remarks() {
        notes.extend(cut_lines(&remark, REMARK_LINES).map(|line| (colours.text, line)));
    }
    let note = spec.note.iter().flat_map(|note| wrap(note, NOTE_LETTERS));
    notes.extend(note.map(|line| (colours.faint, line)));
    if !rest.is_empty() {
        let rest = wrap(&format!("Not drawn: {}", rest.join(", ")), NOTE_LETTERS);
        notes.extend(rest.into_iter().map(|line| (colours.faint, line)));
    }
    if has_unknown(spec) {
        notes.push((colours.faint, UNKNOWN_NOTE.to_owned()));
    }
    let several = spec.shows_several_panels();
    let head = if several { HEAD_WITHOUT_TITLE } else { HEAD };
    let top = head + if spec.band.is_some() { BAND_LABEL } else { 0.0 };
    let bottom = top + drawn.iter().map(height_of).sum::<f64>();
    let note_space = if notes.is_empty() {
        0.0
    } else {
        10.0 + NOTE_LINE * notes.len() as f64
    };
    let height = bottom - 8.0 + AXIS + note_space + 6.0;

    let mut svg = String::with_capacity(16 * 1024);
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0}" viewBox="0 0 {WIDTH} {height:.0}" font-family="{}">"#,
        COMMON.family
    );
    let _ = writeln!(
        svg,
        r#"<rect width="{WIDTH}" height="{height:.0}" fill="{}"/>"#,
        colours.ground
    );
    if !several {
        frame.title(&mut svg, 34.0, &spec.title);
    }
    frame.label(
        &mut svg,
        (MARGIN, head - 14.0),
        16,
        colours.faint,
        "start",
        &span(spec.start, spec.end, &spec.zone),
    );
    frame.band_label(&mut svg, top);
    let ticks = times(spec.start, spec.end, &spec.zone, 8);
    let mut strip_top = top;
    for (index, strip) in drawn.iter().enumerate() {
        let colour = colours.lines[index % colours.lines.len()];
        frame.strip(&mut svg, strip, colour, &ticks, strip_top);
        strip_top += height_of(strip);
    }
    for (at, label) in &ticks {
        let x = frame.x(*at);
        if x < RIGHT - 10.0 {
            frame.label(&mut svg, (x, bottom + 8.0), 15, colours.faint, "middle", label);
        }
    }
    for (index, (colour, note)) in notes.iter().enumerate() {
        let y = bottom + 8.0 + AXIS + 4.0 + NOTE_LINE * index as f64;
        frame.label(&mut svg, (MARGIN, y), 15, colour, "start", note);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Rows of the legend.
fn rows_of(strip: &Strip) -> usize {
    match &strip.curves {
        Curves::One(_) => 0,
        Curves::Named { named, rest } => (named.len() + usize::from(rest.is_some())).div_ceil(LEGEND_COLUMNS),
    }
}

fn title_of(strip: &Strip) -> f64 {
    strip.begins.as_ref().map_or(0.0, |_| PANEL_TITLE)
}

fn plot_of(strip: &Strip) -> f64 {
    match &strip.curves {
        Curves::One(_) => PLOT,
        Curves::Named { .. } => PLOT_OF_SEVERAL,
    }
}

fn height_of(strip: &Strip) -> f64 {
    title_of(strip) + LABEL + LEGEND_ROW * rows_of(strip) as f64 + plot_of(strip) + BELOW
}

impl Frame<'_> {
    fn x(&self, at: Timestamp) -> f64 {
        let whole = self.spec.end.duration_since(self.spec.start).as_secs_f64();
        let part = at.duration_since(self.spec.start).as_secs_f64();
        LEFT + (RIGHT - LEFT) * (part / whole).clamp(0.0, 1.0)
    }

    fn label(&self, svg: &mut String, (x, y): (f64, f64), size: u32, colour: &str, anchor: &str, text: &str) {
        let (family, text) = (Family(text), Escaped(text));
        let _ = writeln!(
            svg,
            r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{family}>{text}</text>"#
        );
    }

    fn rule(&self, svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), stroke: &str) {
        let _ = writeln!(
            svg,
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" {stroke} shape-rendering="crispEdges"/>"#
        );
    }

    fn title(&self, svg: &mut String, y: f64, title: &str) {
        let title = cut(title, TITLE_LETTERS);
        self.label(svg, (MARGIN, y), 22, self.colours.text, "start", &title);
    }

    /// The band's left edge and width; none where it lies outside.
    fn band(&self) -> Option<(&Band, f64, f64)> {
        let band = self.spec.band.as_ref()?;
        if band.end < self.spec.start || band.start > self.spec.end {
            return None;
        }
        let (left, right) = (self.x(band.start), self.x(band.end));
        // A run of seconds on a chart of hours is still to be seen.
        Some((band, left, (right - left).max(3.0)))
    }

    /// What the band is, above the first strip, over a bar as wide as the band.
    fn band_label(&self, svg: &mut String, top: f64) {
        let Some((band, left, width)) = self.band() else { return };
        let colour = self.colours.band;
        let _ = writeln!(
            svg,
            r#"<rect x="{left:.1}" y="{:.1}" width="{width:.1}" height="3" fill="{colour}"/>"#,
            top - 7.0
        );
        let label = cut(&band.label, 40);
        let half = label.chars().count() as f64 * 4.8;
        let middle = (left + width / 2.0).clamp(LEFT + half, (RIGHT - half).max(LEFT + half));
        self.label(svg, (middle, top - 13.0), 15, colour, "middle", &label);
    }

    /// The band in one plot: what is written between the plots stays clear of it.
    fn shade(&self, svg: &mut String, plot: &Plot) {
        let Some((_, left, width)) = self.band() else { return };
        let (y, height) = (plot.top, plot.bottom - plot.top);
        let colour = self.colours.band;
        let _ = writeln!(
            svg,
            r#"<rect x="{left:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{colour}" fill-opacity="0.22"/>"#
        );
    }

    fn strip(&self, svg: &mut String, strip: &Strip, colour: &'static str, ticks: &[(Timestamp, String)], top: f64) {
        if let Some(title) = &strip.begins {
            self.title(svg, top + 30.0, title);
        }
        let top = top + title_of(strip);
        let plot_top = top + LABEL + LEGEND_ROW * rows_of(strip) as f64;
        let plot = Plot {
            top: plot_top,
            bottom: plot_top + plot_of(strip),
        };
        let curves = match &strip.curves {
            Curves::One(points) => vec![self.the_only_one(svg, strip, points, colour, top)],
            Curves::Named { named, rest } => self.legend(svg, strip, named, rest.as_ref(), top),
        };
        self.shade(svg, &plot);
        for (at, _) in ticks {
            let x = self.x(*at);
            self.rule(svg, (x, plot.top), (x, plot.bottom), &self.grid());
        }
        let numbers: Vec<f64> = curves
            .iter()
            .flat_map(|(points, _)| points.iter().filter_map(|(_, value)| *value))
            .collect();
        let threshold = strip.threshold.filter(|value| value.abs() < 1e100);
        let near: Vec<f64> = numbers.iter().copied().chain(threshold).collect();
        let Some(scale) = Scale::of(&numbers).and_then(|_| Scale::of(&near)) else {
            self.no_data(svg, strip, &plot);
            return;
        };
        let y = |value: f64| plot.bottom - (plot.bottom - plot.top) * scale.height(value);
        for tick in &scale.ticks {
            self.rule(svg, (LEFT, y(*tick)), (RIGHT, y(*tick)), &self.grid());
            self.label(
                svg,
                (LEFT - 8.0, y(*tick) + 5.0),
                15,
                self.colours.faint,
                "end",
                &short(*tick),
            );
        }
        if let Some(threshold) = threshold {
            let stroke = format!(
                r#"stroke="{}" stroke-width="1.5" stroke-dasharray="6 4""#,
                self.colours.threshold
            );
            self.rule(svg, (LEFT, y(threshold)), (RIGHT, y(threshold)), &stroke);
        }
        // Areas one over the other say nothing.
        let ground = (curves.len() == 1 && scale.begins_at_zero()).then_some(plot.bottom);
        // The largest comes last and lies on top.
        for (points, look) in curves.iter().rev() {
            for piece in pieces(points) {
                let places: Vec<(f64, f64)> = piece.iter().map(|(at, value)| (self.x(*at), y(*value))).collect();
                self.curve(svg, &thinned(&places), look, ground);
            }
        }
    }

    /// The heading of a strip with one curve.
    fn the_only_one(
        &self,
        svg: &mut String,
        strip: &Strip,
        points: &Past,
        colour: &'static str,
        top: f64,
    ) -> (Past, Look) {
        let points = self.spec.visible(points);
        let _ = writeln!(
            svg,
            r#"<rect x="{MARGIN}" y="{:.1}" width="14" height="5" rx="2.5" fill="{colour}"/>"#,
            top + 11.0
        );
        self.heading(svg, MARGIN + 22.0, top, strip, self.newest(strip, &points));
        let look = Look {
            colour,
            dashes: "",
            width: 2.5,
        };
        (points, look)
    }

    /// The heading of a strip with several curves, and which is which with its newest number.
    fn legend(
        &self,
        svg: &mut String,
        strip: &Strip,
        named: &[Curve],
        rest: Option<&Curve>,
        top: f64,
    ) -> Vec<(Past, Look)> {
        let threshold = strip.threshold.map(|value| format!("threshold {}", plain(value)));
        self.heading(svg, MARGIN, top, strip, threshold);
        let gap = 28.0;
        let width = (RIGHT - MARGIN + gap) / LEGEND_COLUMNS as f64;
        let looks = self.looks(named.len());
        let entries = named
            .iter()
            .zip(looks)
            .chain(rest.map(|rest| (rest, self.look_of_rest())));
        let mut curves = Vec::new();
        for (index, (curve, look)) in entries.enumerate() {
            let left = MARGIN + width * (index % LEGEND_COLUMNS) as f64;
            let y = top + 19.0 + LEGEND_ROW * (index / LEGEND_COLUMNS + 1) as f64;
            let points = self.spec.visible(&curve.points);
            let newest = match points.last() {
                Some((_, Some(value))) => plain(*value),
                Some((_, None)) | None => "no data".to_owned(),
            };
            let Look { colour, dashes, .. } = look;
            let _ = writeln!(
                svg,
                r#"<line x1="{left:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{colour}" stroke-width="4"{}/>"#,
                y - 5.0,
                left + 26.0,
                y - 5.0,
                Dashes(dashes)
            );
            let name = cut(&curve.name, NAME_LETTERS);
            self.label(svg, (left + 34.0, y), 15, self.colours.text, "start", &name);
            self.label(svg, (left + width - gap, y), 15, self.colours.text, "end", &newest);
            curves.push((points, look));
        }
        curves
    }

    fn heading(&self, svg: &mut String, left: f64, top: f64, strip: &Strip, right: Option<String>) {
        let heading = cut(&strip.heading(), 46);
        self.label(svg, (left, top + 19.0), 17, self.colours.text, "start", &heading);
        if let Some(right) = right {
            self.label(svg, (RIGHT, top + 19.0), 17, self.colours.text, "end", &cut(&right, 26));
        }
    }

    fn looks(&self, count: usize) -> impl Iterator<Item = Look> {
        let colours = self.colours.lines.iter().chain(&self.colours.more);
        let dashes = ["", "", "", "9 4", "3 3", "9 3 3 3"];
        let looks = colours.zip(dashes).map(|(colour, dashes)| Look {
            colour,
            dashes,
            width: 2.0,
        });
        looks.cycle().take(count)
    }

    fn look_of_rest(&self) -> Look {
        Look {
            colour: self.colours.faint,
            dashes: "2 3",
            width: 2.0,
        }
    }

    fn grid(&self) -> String {
        format!(r#"stroke="{}" stroke-width="1""#, self.colours.grid)
    }

    /// The newest number, or since when there is none.
    fn newest(&self, strip: &Strip, points: &Past) -> Option<String> {
        let threshold = strip
            .threshold
            .map(|value| format!(", threshold {}", plain(value)))
            .unwrap_or_default();
        let newest = points
            .iter()
            .rev()
            .find_map(|(at, value)| value.map(|value| (*at, value)));
        Some(match (newest?, points.last()) {
            ((at, _), Some((_, None))) => format!("no data after {}", clock(at, &self.spec.zone, "%H:%M:%S")),
            ((_, value), _) => format!("last {}{threshold}", plain(value)),
        })
    }

    fn no_data(&self, svg: &mut String, strip: &Strip, plot: &Plot) {
        let Plot { top, bottom } = *plot;
        let middle = ((LEFT + RIGHT) / 2.0, (top + bottom) / 2.0);
        let stroke = format!(
            r#"stroke="{}" stroke-width="1" stroke-dasharray="4 4""#,
            self.colours.faint
        );
        self.rule(svg, (LEFT, bottom), (RIGHT, bottom), &stroke);
        let why = strip
            .missing
            .as_deref()
            .map(|why| wrap(why, MISSING_LETTERS))
            .unwrap_or_default();
        let shown = why.len().min(2);
        let mut y = middle.1 + 6.0 - 10.0 * shown as f64;
        self.label(svg, (middle.0, y), 18, self.colours.text, "middle", "no data");
        for (index, part) in why.iter().take(shown).enumerate() {
            y += 21.0;
            let more = if index + 1 == shown && why.len() > shown {
                "…"
            } else {
                ""
            };
            self.label(
                svg,
                (middle.0, y),
                15,
                self.colours.faint,
                "middle",
                &format!("{part}{more}"),
            );
        }
    }

    fn curve(&self, svg: &mut String, places: &[(f64, f64)], look: &Look, ground: Option<f64>) {
        let Look { colour, dashes, width } = *look;
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            return;
        };
        if places.len() == 1 {
            // A single sample between two gaps would be a line without length.
            let _ = writeln!(
                svg,
                r#"<circle cx="{:.1}" cy="{:.1}" r="3" fill="{colour}"/>"#,
                first.0, first.1
            );
            return;
        }
        let mut path = String::new();
        for (index, (x, y)) in places.iter().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { "M" } else { "L" });
        }
        if let Some(bottom) = ground {
            let _ = writeln!(
                svg,
                r#"<path d="{path}L{:.1} {bottom:.1}L{:.1} {bottom:.1}Z" fill="{colour}" fill-opacity="0.14"/>"#,
                last.0, first.0
            );
        }
        let _ = writeln!(
            svg,
            r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round" stroke-linecap="{}"{}/>"#,
            // Round ends would close the gaps between dashes.
            if dashes.is_empty() { "round" } else { "butt" },
            Dashes(dashes)
        );
    }
}

/// Where the numbers stand.
struct Plot {
    top: f64,
    bottom: f64,
}

/// The attribute of a dashed line, or nothing.
struct Dashes(&'static str);

impl fmt::Display for Dashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            dashes => write!(f, r#" stroke-dasharray="{dashes}""#),
        }
    }
}

/// So many lines at most; the last one says that there was more.
fn cut_lines(text: &str, most: usize) -> impl Iterator<Item = String> {
    let mut lines = wrap(text, NOTE_LETTERS);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines.into_iter()
}
