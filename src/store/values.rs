//! Many rows in one statement. Both databases take the same text, but for the sign of a placeholder.

use super::dialect::Dialect;
use sqlx::any::AnyRow;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Transaction};

/// How many rows a statement has. Few sizes, so that each text is read and planned once; rows that are not there are
/// filled up with NULL. The largest stays far below the 32,766 values that SQLite takes in one statement.
/// SQLite keeps a hundred statements and reads a short one quickly, PostgreSQL as many as we say.
fn sizes(dialect: Dialect) -> &'static [usize] {
    match dialect {
        Dialect::Sqlite => &[1, 8, 64],
        Dialect::Postgres => &[1, 4, 16, 64, 128, 256],
    }
}

/// The largest size.
fn most(dialect: Dialect) -> usize {
    sizes(dialect).last().copied().unwrap_or(1)
}

/// Lists of more values than this are seldom of the same length twice: their statements are not kept prepared.
const KEPT: usize = 8;

/// A value of a row.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Text(Option<String>),
    Number(Option<i64>),
}

impl Cell {
    fn empty(&self) -> Self {
        match self {
            Self::Text(_) => Self::Text(None),
            Self::Number(_) => Self::Number(None),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Cell {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

/// One row of a table that a statement brings along.
pub(super) type Row = Vec<Cell>;

/// Runs `WITH v (columns) AS (VALUES ...) rest`, as often as that many rows need. A row whose first column is NULL is
/// none: `rest` must pass it over. What it says holds nothing but our own words.
pub(super) async fn with_rows(
    dialect: Dialect,
    work: &mut Transaction<'static, Any>,
    columns: &str,
    rows: &[Row],
    rest: &str,
) -> Result<Vec<AnyRow>, sqlx::Error> {
    let mut answer = Vec::new();
    for some in rows.chunks(most(dialect)) {
        answer.extend(for_some(dialect, columns, some, rest).fetch_all(&mut **work).await?);
    }
    Ok(answer)
}

/// The same where it is enough to know how many rows of a table were written.
pub(super) async fn write_rows(
    dialect: Dialect,
    work: &mut Transaction<'static, Any>,
    columns: &str,
    rows: &[Row],
    rest: &str,
) -> Result<u64, sqlx::Error> {
    let mut written = 0;
    for some in rows.chunks(most(dialect)) {
        written += for_some(dialect, columns, some, rest)
            .execute(&mut **work)
            .await?
            .rows_affected();
    }
    Ok(written)
}

fn for_some(dialect: Dialect, columns: &str, some: &[Row], rest: &str) -> Statement {
    let fits = sizes(dialect).iter().find(|size| **size >= some.len());
    let size = fits.copied().unwrap_or(some.len());
    let width = some.first().map_or(0, Vec::len);
    let text = format!("WITH v ({columns}) AS (VALUES {}) {rest}", places(dialect, size, width));
    let none: Row = some.iter().take(1).flatten().map(Cell::empty).collect();
    let filled = some.iter().chain(std::iter::repeat_n(&none, size - some.len()));
    filled
        .flatten()
        .fold(sqlx::query(AssertSqlSafe(text)), |query, cell| match cell {
            Cell::Text(text) => query.bind(text.clone()),
            Cell::Number(number) => query.bind(*number),
        })
}

/// Placeholders for `rows` rows of `width` values. To SQLite a number is a name, which it looks for among all others.
fn places(dialect: Dialect, rows: usize, width: usize) -> String {
    let mut text = String::with_capacity(rows * width * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..width {
            if column > 0 {
                text.push_str(", ");
            }
            match dialect {
                Dialect::Sqlite => text.push('?'),
                Dialect::Postgres => {
                    text.push('$');
                    text.push_str(&(row * width + column + 1).to_string());
                }
            }
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

/// A statement for so many rows. Its text holds nothing but our own words and placeholders.
pub(super) fn statement(text: String, rows: usize) -> Statement {
    sqlx::query(AssertSqlSafe(text)).persistent(rows <= KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_on() {
        assert_eq!(places(Dialect::Postgres, 2, 2), "($1, $2), ($3, $4)");
        assert_eq!(places(Dialect::Sqlite, 2, 2), "(?, ?), (?, ?)");
        assert_eq!(list(2, 3), "$3, $4, $5");
    }
}
