//! Binds JSON values to the types that the server wants, without any silent conversion.

use crate::integration::argument::kind_of;
use serde_json::Value;
use sqlx::postgres::{PgArguments, PgTypeInfo};
use sqlx::types::Json;
use sqlx::{Arguments as _, Either, Encode, Postgres, Type, TypeInfo as _};

/// A value that cannot be bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BindError {
    #[error("the number of values ({given}) is not the number of placeholders in the statement ({wanted})")]
    Count { wanted: usize, given: usize },
    #[error("${position} is of type {wanted}, and {found} does not fit; convert it in the statement, as in `{way}`")]
    Kind {
        position: usize,
        wanted: String,
        found: &'static str,
        way: String,
    },
    #[error("${position} is of type {wanted}, and the value is too large for that")]
    Range { position: usize, wanted: String },
    #[error("${position}: {reason}")]
    Encode { position: usize, reason: String },
}

/// The values, each encoded as the server's type for its placeholder.
pub(super) fn arguments(
    values: &[Value],
    parameters: Option<Either<&[PgTypeInfo], usize>>,
) -> Result<PgArguments, BindError> {
    let types = match parameters {
        Some(Either::Left(types)) => types,
        Some(Either::Right(_)) | None => &[],
    };
    if types.len() != values.len() {
        return Err(BindError::Count {
            wanted: types.len(),
            given: values.len(),
        });
    }
    let mut slots = Slots {
        bound: PgArguments::default(),
        position: 0,
    };
    for (value, wanted) in values.iter().zip(types) {
        slots.position += 1;
        slots.add(value, wanted.name())?;
    }
    Ok(slots.bound)
}

struct Slots {
    bound: PgArguments,
    position: usize,
}

impl Slots {
    fn add(&mut self, value: &Value, wanted: &str) -> Result<(), BindError> {
        match wanted {
            "INT2" => self.one(value, wanted, integer::<i16>),
            "INT4" => self.one(value, wanted, integer::<i32>),
            "INT8" => self.one(value, wanted, integer::<i64>),
            "FLOAT4" => self.one(value, wanted, |value| Ok(fraction(value)? as f32)),
            "FLOAT8" => self.one(value, wanted, fraction),
            "BOOL" => self.one(value, wanted, boolean),
            "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" => self.one(value, wanted, text),
            "JSON" | "JSONB" => self.push(Json(value)),
            "INT2[]" => self.many(value, wanted, integer::<i16>),
            "INT4[]" => self.many(value, wanted, integer::<i32>),
            "INT8[]" => self.many(value, wanted, integer::<i64>),
            "FLOAT8[]" => self.many(value, wanted, fraction),
            "BOOL[]" => self.many(value, wanted, boolean),
            "TEXT[]" | "VARCHAR[]" | "CHAR[]" | "NAME[]" => self.many(value, wanted, text),
            _ => Err(self.mismatch(value, wanted, Mismatch::Kind)),
        }
    }

    fn one<'v, T>(
        &mut self,
        value: &'v Value,
        wanted: &str,
        read: impl Fn(&'v Value) -> Result<T, Mismatch>,
    ) -> Result<(), BindError>
    where
        Option<T>: Encode<'v, Postgres> + Type<Postgres>,
    {
        if value.is_null() {
            return self.push(None::<T>);
        }
        let read = read(value).map_err(|why| self.mismatch(value, wanted, why))?;
        self.push(Some(read))
    }

    fn many<'v, T>(
        &mut self,
        value: &'v Value,
        wanted: &str,
        read: impl Fn(&'v Value) -> Result<T, Mismatch>,
    ) -> Result<(), BindError>
    where
        Option<Vec<Option<T>>>: Encode<'v, Postgres> + Type<Postgres>,
    {
        let items = match value {
            Value::Null => return self.push(None::<Vec<Option<T>>>),
            Value::Array(items) => items,
            other => return Err(self.mismatch(other, wanted, Mismatch::Kind)),
        };
        let read = items
            .iter()
            .map(|item| match item {
                Value::Null => Ok(None),
                item => read(item).map(Some).map_err(|why| self.mismatch(value, wanted, why)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.push(Some(read))
    }

    fn push<'v, T: Encode<'v, Postgres> + Type<Postgres>>(&mut self, value: T) -> Result<(), BindError> {
        let position = self.position;
        self.bound.add(value).map_err(|error| BindError::Encode {
            position,
            reason: error.to_string(),
        })
    }

    fn mismatch(&self, value: &Value, wanted: &str, why: Mismatch) -> BindError {
        let position = self.position;
        match why {
            Mismatch::Range => BindError::Range {
                position,
                wanted: wanted.to_owned(),
            },
            Mismatch::Kind => {
                let given = match value {
                    Value::Number(number) if number.is_i64() => "bigint",
                    Value::Number(_) => "float8",
                    Value::Bool(_) => "boolean",
                    Value::Array(_) => "text[]",
                    _ => "text",
                };
                let way = format!("${position}::{given}::{}", wanted.to_lowercase());
                BindError::Kind {
                    position,
                    wanted: wanted.to_owned(),
                    found: kind_of(value),
                    way,
                }
            }
        }
    }
}

enum Mismatch {
    Kind,
    Range,
}

fn integer<T: TryFrom<i64>>(value: &Value) -> Result<T, Mismatch> {
    match value {
        Value::Number(number) if number.is_u64() || number.is_i64() => {
            let number = number.as_i64().ok_or(Mismatch::Range)?;
            T::try_from(number).map_err(|_| Mismatch::Range)
        }
        _ => Err(Mismatch::Kind),
    }
}

fn fraction(value: &Value) -> Result<f64, Mismatch> {
    value.as_f64().ok_or(Mismatch::Kind)
}

fn boolean(value: &Value) -> Result<bool, Mismatch> {
    value.as_bool().ok_or(Mismatch::Kind)
}

fn text(value: &Value) -> Result<&str, Mismatch> {
    value.as_str().ok_or(Mismatch::Kind)
}
