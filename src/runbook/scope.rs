//! What the names of an expression or a sentence stand for. Values are data only: nothing in them is ever parsed.

use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

/// Names with their values. Cheap to clone and to add to: a look of thousands of rows is converted once, not once for
/// each expression that reads it.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    names: BTreeMap<&'static str, Arc<Bound>>,
}

#[derive(Debug)]
struct Bound {
    value: Value,
    cel: OnceLock<Option<Box<dyn Val>>>,
    template: OnceLock<minijinja::Value>,
}

impl Scope {
    /// No names.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same names and one more; a name that is there already gets the new value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        let bound = Bound {
            value,
            cel: OnceLock::new(),
            template: OnceLock::new(),
        };
        self.names.insert(name, Arc::new(bound));
        self
    }

    pub(super) fn for_sentence(&self) -> minijinja::Value {
        let values = self.names.iter().map(|(name, bound)| {
            let value = bound.template.get_or_init(|| template_value(&bound.value));
            (*name, value.clone())
        });
        minijinja::Value::from(values.collect::<BTreeMap<_, _>>())
    }
}

impl VariableResolver for Scope {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let bound = self.names.get(variable)?;
        let value = bound.cel.get_or_init(|| cel_value(&bound.value).try_into().ok());
        value.as_deref().map(CowVal::Borrowed)
    }
}

/// JSON's whole numbers become `int` (or `uint` beyond its range), all others `double`; nothing else changes its type.
fn cel_value(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(it) => cel::Value::Bool(*it),
        Value::Number(it) => match (it.as_i64(), it.as_u64(), it.as_f64()) {
            (Some(int), _, _) => cel::Value::Int(int),
            (_, Some(uint), _) => cel::Value::UInt(uint),
            (_, _, Some(float)) => cel::Value::Float(float),
            (None, None, None) => cel::Value::String(Arc::new(it.to_string())),
        },
        Value::String(it) => cel::Value::String(Arc::new(it.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(cel_value).collect())),
        Value::Object(fields) => {
            let map: HashMap<String, cel::Value> = fields
                .iter()
                .map(|(key, value)| (key.clone(), cel_value(value)))
                .collect();
            cel::Value::Map(map.into())
        }
    }
}

fn template_value(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(it) => minijinja::Value::from(*it),
        Value::Number(it) => match (it.as_i64(), it.as_u64(), it.as_f64()) {
            (Some(int), _, _) => minijinja::Value::from(int),
            (_, Some(uint), _) => minijinja::Value::from(uint),
            (_, _, Some(float)) => minijinja::Value::from(float),
            (None, None, None) => minijinja::Value::from(it.to_string()),
        },
        Value::String(it) => minijinja::Value::from(it.as_str()),
        Value::Array(items) => items.iter().map(template_value).collect(),
        Value::Object(fields) => {
            let values = fields.iter().map(|(key, value)| (key.clone(), template_value(value)));
            minijinja::Value::from(values.collect::<BTreeMap<_, _>>())
        }
    }
}
