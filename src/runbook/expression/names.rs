//! Which names an expression or a sentence may use, known before anything has a value.

use super::{ExpressionError, functions};
use crate::nearest::way_out;
use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use std::collections::BTreeMap;

/// Lists within lists within lists: more than this costs more than it tells.
const MAX_LOOPS: usize = 3;

/// What is known of a value beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    Any,
    /// It has these fields and no others.
    Fields(BTreeMap<String, Shape>),
}

impl Shape {
    /// Fields of which nothing else is known.
    pub fn fields<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Fields(names.into_iter().map(|name| (name.to_owned(), Self::Any)).collect())
    }
}

/// The names that are known in one place of a runbook.
#[derive(Debug, Clone, Default)]
pub struct Names {
    roots: BTreeMap<String, Shape>,
}

impl Names {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// These and one more.
    #[must_use]
    pub fn with(mut self, name: &str, shape: Shape) -> Self {
        self.roots.insert(name.to_owned(), shape);
        self
    }

    /// These without one.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.roots.remove(name);
        self
    }

    /// Follows `inputs.order` as far as its shape is known; an error is a sentence.
    pub(crate) fn follow(&self, path: &[&str]) -> Result<(), String> {
        let mut fields = &self.roots;
        let mut so_far = String::new();
        for segment in path {
            let Some(shape) = fields.get(*segment) else {
                let full = format!("{so_far}{segment}");
                let hint = way_out(segment, fields.keys().map(String::as_str));
                return Err(format!("`{full}` is not known; {hint}"));
            };
            match shape {
                Shape::Any => return Ok(()),
                Shape::Fields(inner) => fields = inner,
            }
            so_far = format!("{so_far}{segment}.");
        }
        Ok(())
    }
}

/// Whether a tree is deeper than a number of levels.
pub(super) fn is_deeper(node: &IdedExpr, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else {
        return true;
    };
    let deeper = |it: &IdedExpr| is_deeper(it, levels);
    match &node.expr {
        Expr::Call(call) => call.target.iter().any(|it| deeper(it)) || call.args.iter().any(deeper),
        Expr::Comprehension(it) => [&it.iter_range, &it.accu_init, &it.loop_cond, &it.loop_step, &it.result]
            .into_iter()
            .any(deeper),
        Expr::List(list) => list.elements.iter().any(deeper),
        Expr::Map(map) => map.entries.iter().any(|it| match &it.expr {
            EntryExpr::MapEntry(entry) => deeper(&entry.key) || deeper(&entry.value),
            EntryExpr::StructField(field) => deeper(&field.value),
        }),
        Expr::Select(select) => deeper(&select.operand),
        Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => false,
    }
}

pub(super) fn check(expression: &IdedExpr, places: &SourceInfo, names: &Names) -> Vec<ExpressionError> {
    let mut walk = Walk {
        places,
        names,
        bound: Vec::new(),
        loops: 0,
        found: Vec::new(),
    };
    walk.visit(expression);
    walk.found
}

struct Walk<'a> {
    places: &'a SourceInfo,
    names: &'a Names,
    bound: Vec<&'a str>,
    loops: usize,
    found: Vec<ExpressionError>,
}

impl<'a> Walk<'a> {
    fn problem(&mut self, id: u64, message: String) {
        let offset = self.places.offset_for(id).map_or(0, |(start, _)| start as usize);
        let error = ExpressionError { offset, message };
        if !self.found.contains(&error) {
            self.found.push(error);
        }
    }

    fn visit(&mut self, node: &'a IdedExpr) {
        if let Some((root, path)) = path(node) {
            if !self.bound.contains(&path[0]) {
                self.known(root, &path);
            }
            return;
        }
        match &node.expr {
            Expr::Call(call) => {
                let name = call.func_name.as_str();
                // Operators and what macros expand to are spelled so that no text can name them.
                if name.chars().all(|c| c.is_ascii_alphanumeric()) && !functions::KNOWN.contains(&name) {
                    let hint = way_out(name, functions::KNOWN.iter().copied());
                    self.problem(node.id, format!("there is no function `{name}`; {hint}"));
                }
                call.target.iter().for_each(|it| self.visit(it));
                call.args.iter().for_each(|it| self.visit(it));
            }
            Expr::Comprehension(it) => {
                self.visit(&it.iter_range);
                self.visit(&it.accu_init);
                let before = self.bound.len();
                self.bound.push(&it.iter_var);
                self.bound.push(&it.accu_var);
                self.bound.extend(it.iter_var2.as_deref());
                self.loops += 1;
                if self.loops > MAX_LOOPS {
                    self.problem(
                        node.id,
                        format!("more than {MAX_LOOPS} loops within each other; let the query do it"),
                    );
                } else {
                    self.visit(&it.loop_cond);
                    self.visit(&it.loop_step);
                    self.visit(&it.result);
                }
                self.loops -= 1;
                self.bound.truncate(before);
            }
            Expr::List(list) => list.elements.iter().for_each(|it| self.visit(it)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.visit(&entry.key);
                        self.visit(&entry.value);
                    }
                }
            }
            Expr::Select(select) => self.visit(&select.operand),
            Expr::Struct(it) => self.problem(node.id, format!("there is no type `{}`", it.type_name)),
            Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn known(&mut self, root: &IdedExpr, path: &[&str]) {
        if path.len() == 1 && functions::TYPES.contains(&path[0]) {
            return;
        }
        if let Err(message) = self.names.follow(path) {
            self.problem(root.id, message);
        }
    }
}

/// `a.b["c"]` as its root and its segments.
fn path(node: &IdedExpr) -> Option<(&IdedExpr, Vec<&str>)> {
    match &node.expr {
        Expr::Ident(name) => Some((node, vec![name])),
        Expr::Select(select) => {
            let (root, mut segments) = path(&select.operand)?;
            segments.push(&select.field);
            Some((root, segments))
        }
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [
                operand,
                IdedExpr {
                    expr: Expr::Literal(LiteralValue::String(key)),
                    ..
                },
            ] => {
                let (root, mut segments) = path(operand)?;
                segments.push(key.inner());
                Some((root, segments))
            }
            _ => None,
        },
        _ => None,
    }
}
