//! What somebody would notice who looks, listens or holds a ruler to a page.

use super::Window;
use serde_json::{Value, json};

/// Roles that one acts on; each must be called something.
const CONTROLS: &[&str] = &[
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "checkbox",
    "radio",
    "spinbutton",
    "listbox",
    "option",
    "DisclosureTriangle",
    "image",
    "img",
    "region",
    "navigation",
    "dialog",
    "log",
];

/// Texts whose colour is too close to the ground beneath them, by WCAG 2.1, AA.
const PALE: &str = r#"
const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const read = (colour) => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
};
const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.push(read(getComputedStyle(e).backgroundColor));
  const page = matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
  return layers.reverse().reduce((under, top) => over(top, under), page);
};
const pale = new Set();
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const element = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
  const box = element.getBoundingClientRect();
  if (!text || box.width < 2 || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
  if (element.closest(':disabled') || getComputedStyle(element).clipPath !== 'none') continue;
  const style = getComputedStyle(element), size = parseFloat(style.fontSize);
  const under = ground(element), ink = over(read(style.color), under);
  const [light, dark] = [luminance(under), luminance(ink)].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  const needed = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
  if (ratio < needed) pale.add(`${ratio.toFixed(2)} of ${needed}: ${text.slice(0, 40)} (${style.color} on ${under.map(Math.round)})`);
}
return [...pale];
"#;

/// What sticks out of the window to the right, unless it can be scrolled by itself.
const WIDE: &str = r#"
const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= width) return [];
return [...document.body.querySelectorAll('*')]
  .filter((e) => e.getBoundingClientRect().right > width + 1)
  .map((e) => `${e.tagName} ${e.id} ${e.className}: ${Math.round(e.getBoundingClientRect().right)} of ${width}`);
"#;

/// What a thumb is to hit and would miss; links within a sentence are as high as their line.
const SMALL: &str = r#"
return [...document.querySelectorAll('button, summary, select, input:not([type=hidden]), nav a')]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }))
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([e, box]) => box.width > 1 && (box.height < 24 || box.width < 24))
  .map(([e, box]) => `${e.tagName} ${e.innerText || e.name}: ${Math.round(box.width)} x ${Math.round(box.height)}`);
"#;

impl Window<'_> {
    fn list(&self, script: &str) -> Vec<String> {
        serde_json::from_value(self.script(script)).unwrap()
    }

    /// Texts that are hard to read.
    pub fn pale(&self) -> Vec<String> {
        self.list(PALE)
    }

    /// What makes the page scroll sideways.
    pub fn too_wide(&self) -> Vec<String> {
        self.list(WIDE)
    }

    /// What is hard to hit.
    pub fn too_small(&self) -> Vec<String> {
        self.list(SMALL)
    }

    /// What the browser itself complains of since the last question: errors, and breaches of the security policy.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.extra("se/log", json!({ "type": "browser" }));
        let said = |entry: &Value| {
            format!(
                "{} {}",
                entry["level"].as_str().unwrap(),
                entry["message"].as_str().unwrap()
            )
        };
        log.as_array().unwrap().iter().map(said).collect()
    }

    /// Controls and places without a name, as the browser tells them to a screen reader.
    pub fn nameless(&self) -> Vec<String> {
        let tree = self.devtools("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().unwrap();
        let control = |node: &&Value| {
            node["ignored"] != json!(true) && CONTROLS.contains(&node["role"]["value"].as_str().unwrap_or_default())
        };
        let nameless = |node: &&Value| node["name"]["value"].as_str().unwrap_or_default().trim().is_empty();
        let controls: Vec<&Value> = nodes.iter().filter(control).collect();
        assert!(!controls.is_empty(), "the browser tells of no control at all");
        controls
            .into_iter()
            .filter(nameless)
            .map(|node| node["role"].to_string() + &node["properties"].to_string())
            .collect()
    }
}
