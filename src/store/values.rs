//! Many rows in one statement. Both databases take the same text.

use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

/// SQLite takes 32,766 values in one statement, PostgreSQL 65,535.
const MOST: usize = 30_000;

/// Statements of more rows than this are seldom of the same length twice: they are not kept prepared.
const KEPT: usize = 8;

/// `($1, $2), ($3, $4)`: placeholders for `rows` rows of `width` values, after `before` values that stand in front.
pub(super) fn places(before: usize, rows: usize, width: usize) -> String {
    let mut text = String::with_capacity(rows * width * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..width {
            if column > 0 {
                text.push_str(", ");
            }
            text.push('$');
            text.push_str(&(before + row * width + column + 1).to_string());
        }
        text.push(')');
    }
    text
}

/// `$1, $2`: placeholders for a list, after `before` values that stand in front.
pub(super) fn list(before: usize, count: usize) -> String {
    let all: Vec<String> = (before + 1..=before + count).map(|index| format!("${index}")).collect();
    all.join(", ")
}

/// `AND id NOT IN ($3, $4)`; nothing where nothing is passed over.
pub(super) fn besides(before: usize, passed_over: &[String]) -> String {
    if passed_over.is_empty() {
        return String::new();
    }
    format!("AND id NOT IN ({})", list(before, passed_over.len()))
}

/// A statement under way.
pub(super) type Statement = Query<'static, Any, <Any as sqlx::Database>::Arguments>;

/// Many values, one after the other.
pub(super) trait BindAll {
    fn bind_all(self, values: &[String]) -> Self;
}

impl BindAll for Statement {
    fn bind_all(self, values: &[String]) -> Self {
        values.iter().fold(self, |query, value| query.bind(value.clone()))
    }
}

/// How many rows of a width go into one statement.
pub(super) fn at_once(width: usize) -> usize {
    MOST / width
}

/// A statement for so many rows. Its text holds nothing but our own words and placeholders.
pub(super) fn statement(text: String, rows: usize) -> Statement {
    sqlx::query(AssertSqlSafe(text)).persistent(rows <= KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_on() {
        assert_eq!(places(0, 2, 2), "($1, $2), ($3, $4)");
        assert_eq!(places(1, 1, 3), "($2, $3, $4)");
        assert_eq!(list(2, 3), "$3, $4, $5");
    }
}
