use super::*;
use proptest::prelude::*;

/// The tree on one line, with brackets around each operation.
fn told(expression: &Expression) -> String {
    let all = |parts: &[Expression]| parts.iter().map(told).collect::<Vec<_>>().join(", ");
    match expression {
        Expression::Number => "#".to_owned(),
        Expression::Text => "text".to_owned(),
        Expression::Selector(selector) => match selector.range {
            Some(range) => format!("{selector}[{}s]", range.as_secs_f64()),
            None => selector.to_string(),
        },
        Expression::Subquery(inner) => format!("{}[:]", told(inner)),
        Expression::Negated(inner) => format!("-{}", told(inner)),
        Expression::Call { function, arguments } => format!("{function}({})", all(arguments)),
        Expression::Aggregation {
            operator,
            by,
            arguments,
        } => format!("{operator} by {by:?} ({})", all(arguments)),
        Expression::Binary { operator, left, right } => format!("({} {operator} {})", told(left), told(right)),
    }
}

#[test]
fn an_expression_becomes_a_tree() {
    let read: Vec<String> = [
        "up == 0",
        "sum(rate(x_total{status=~\"5..\"}[5m])) / sum(rate(x_total[1h30m])) > 0.05",
        "sum by (job, view) (a) > bool 1e-3",
        "SUM(a) BY (job)",
        "topk without (pod) (3, a)",
        "a - b * -c ^ 2 or d and e unless f",
        "a - b - c",
        "2 ^ 3 ^ 4",
        "a * on (job, instance) group_left (team) b",
        "max_over_time(a:b:c[5m] offset -5m) @ 1.5 + b @ end()",
        "max_over_time(rate(a[5m])[1h:])",
        "max_over_time(rate(a[5m])[1h:30s] offset 1d)",
        "{__name__=\"a.b\", c!~'d\\'e',}",
        "{\"a.b\", \"c.d\"=`e\\f`}",
        "sum{job='x'} + by",
        "absent(a{}) # and the rest\n > 0x1f",
        "time() - +Inf",
    ]
    .into_iter()
    .map(|text| told(&Expression::parse(text).unwrap()))
    .collect();
    insta::assert_snapshot!(read.join("\n"), @r#"
    ({__name__="up"} == #)
    ((sum by [] (rate({__name__="x_total",status=~"5.."}[300s])) / sum by [] (rate({__name__="x_total"}[5400s]))) > #)
    (sum by ["job", "view"] ({__name__="a"}) > #)
    sum by ["job"] ({__name__="a"})
    topk by [] (#, {__name__="a"})
    (({__name__="a"} - ({__name__="b"} * -({__name__="c"} ^ #))) or (({__name__="d"} and {__name__="e"}) unless {__name__="f"}))
    (({__name__="a"} - {__name__="b"}) - {__name__="c"})
    (# ^ (# ^ #))
    ({__name__="a"} * {__name__="b"})
    (max_over_time({__name__="a:b:c"}[300s]) + {__name__="b"})
    max_over_time(rate({__name__="a"}[300s])[:])
    max_over_time(rate({__name__="a"}[300s])[:])
    {__name__="a.b",c!~"d'e"}
    {__name__="a.b",c.d="e\\f"}
    ({__name__="sum",job="x"} + {__name__="by"})
    (absent({__name__="a"}) > #)
    (time() - #)
    "#);
}

#[test]
fn what_is_none_is_told() {
    let read: Vec<String> = [
        "",
        "sum((",
        "a[5]m",
        "a b",
        "a{b}c",
        "a{b=c}",
        "rate(a[5x])",
        "\"a",
        "a $ b",
        &"(".repeat(99),
    ]
    .into_iter()
    .map(|text| Expression::parse(text).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(read.join("\n"), @"
    it ends too early
    it ends too early
    it cannot be read from `m` on
    it cannot be read from `b` on
    it cannot be read from `c` on
    it cannot be read from `b` on
    it cannot be read from `5x` on
    it ends too early
    it cannot be read from `$` on
    it is nested more than 60 deep
    ");
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in "(and|or|by|offset|sum|[a-z]{1,4}|[0-9.]{1,3}|5m|[<>=!(){}\\[\\]:,@^\"'`#\\\\ é\n-]){0,24}") {
        if let Ok(expression) = Expression::parse(&text) {
            prop_assert!(expression.selectors().count() <= text.len());
        }
    }
}
