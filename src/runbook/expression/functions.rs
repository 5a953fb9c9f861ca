//! The functions that expressions may call. Those of CEL's standard library and of its `strings` and `lists`
//! extensions that have been of use, and our own; what is not listed is refused by the check.

use crate::runbook::money::{is_currency, minor_digits, money};
use cel::common::types::{CelInt, CelString, INT_TYPE, LIST_TYPE, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{Env, ExecutionError, extensions};
use std::sync::{Arc, LazyLock};

/// Functions and methods by name; the macros (`has`, `all`, `exists`, `exists_one`, `map`, `filter`) are expanded before
/// names are looked at.
pub(super) const KNOWN: &[&str] = &[
    "bool",
    "contains",
    "distinct",
    "double",
    "dyn",
    "endsWith",
    "flatten",
    "int",
    "join",
    "lowerAscii",
    "matches",
    "minor",
    "money",
    "replace",
    "reverse",
    "size",
    "slice",
    "sort",
    "sortBy",
    "split",
    "startsWith",
    "string",
    "substring",
    "sum",
    "trim",
    "type",
    "uint",
    "upperAscii",
];

/// Names of types, for `type(x) == int`.
pub(super) const TYPES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "uint",
];

/// The one environment of all expressions: it holds functions only, never values.
pub(super) fn environment() -> Arc<Env> {
    static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
        let mut env = Env::stdlib().with_optional_support(false);
        #[expect(
            clippy::expect_used,
            reason = "the declarations are constant, and every test makes them"
        )]
        declare(&mut env).expect("the functions are declared once each");
        Arc::new(env)
    });
    Arc::clone(&ENVIRONMENT)
}

fn declare(env: &mut Env) -> Result<(), cel::DeclarationError> {
    env.add_extension(extensions::strings)?;
    env.add_extension(extensions::lists)?;
    env.add_overload("money", "money_int_string", vec![INT_TYPE, STRING_TYPE], |arguments| {
        let [minor, currency] = take(&arguments, "money")?;
        let (minor, currency) = (integer(minor, "money")?, text(currency, "money")?);
        if !is_currency(currency) {
            return Err(ExecutionError::function_error(
                "money",
                "a currency is three capital letters, such as USD",
            ));
        }
        Ok(CowVal::owned(CelString::from(money(minor, currency))))
    })?;
    env.add_overload("sum", "sum_list", vec![LIST_TYPE], |arguments| {
        let [list] = arguments.as_slice() else {
            return Err(ExecutionError::function_error("sum", "one list is taken"));
        };
        sum(list).map(|it| CowVal::owned(CelInt::from(it)))
    })?;
    env.add_overload(
        "minor",
        "minor_string_string",
        vec![STRING_TYPE, STRING_TYPE],
        |arguments| {
            let [decimal, currency] = take(&arguments, "minor")?;
            let (decimal, currency) = (text(decimal, "minor")?, text(currency, "minor")?);
            let minor =
                minor_units(decimal, currency).map_err(|error| ExecutionError::function_error("minor", error))?;
            Ok(CowVal::owned(CelInt::from(minor)))
        },
    )
}

/// `minor("84.5", "USD")` is 8450. Digits beyond the minor unit are an error, not rounded.
fn minor_units(decimal: &str, currency: &str) -> Result<i64, &'static str> {
    if !is_currency(currency) {
        return Err("a currency is three capital letters, such as USD");
    }
    let digits = minor_digits(currency);
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    if fraction.len() > digits {
        return Err("the amount has more digits after the point than its currency");
    }
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    if unsigned.is_empty()
        || !unsigned
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
    {
        return Err("the amount is not a decimal number");
    }
    format!("{whole}{fraction:0<digits$}")
        .parse()
        .map_err(|_| "the amount is too large")
}

/// Of whole numbers alone: of fractions it would not be exact.
fn sum(list: &CowVal<'_, '_>) -> Result<i64, ExecutionError> {
    let wrong = |message| ExecutionError::function_error("sum", message);
    let mut items = list.as_ref().as_iterable().ok_or_else(|| wrong("not a list"))?.iter();
    let mut sum: i64 = 0;
    while let Some(item) = items.next() {
        let number = item
            .downcast_ref::<CelInt>()
            .ok_or_else(|| wrong("an item is not a whole number"))?;
        sum = sum
            .checked_add(*number.inner())
            .ok_or_else(|| wrong("the sum is too large"))?;
    }
    Ok(sum)
}

fn take<'a, 'b, 'v>(
    arguments: &'a [CowVal<'b, 'v>],
    function: &str,
) -> Result<[&'a CowVal<'b, 'v>; 2], ExecutionError> {
    match arguments {
        [first, second] => Ok([first, second]),
        _ => Err(ExecutionError::function_error(function, "two arguments are taken")),
    }
}

fn integer(value: &CowVal<'_, '_>, function: &str) -> Result<i64, ExecutionError> {
    let value = value.as_ref().downcast_ref::<CelInt>();
    value
        .map(|it| *it.inner())
        .ok_or_else(|| ExecutionError::function_error(function, "not a whole number"))
}

fn text<'a>(value: &'a CowVal<'_, '_>, function: &str) -> Result<&'a str, ExecutionError> {
    let value = value.as_ref().downcast_ref::<CelString>();
    value
        .map(CelString::inner)
        .ok_or_else(|| ExecutionError::function_error(function, "not text"))
}
