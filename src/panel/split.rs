//! A signal that is several numbers, one for each value of a label: what is drawn of many series, and under which names.

use super::reading::{Missing, Past};
use std::collections::BTreeMap;

/// How many series have a name of their own. A picture with more of them cannot be read.
pub const NAMED: usize = 5;

/// What tells the numbers of a signal apart, and what becomes of those beyond [`NAMED`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// A label of the query's series.
    pub label: String,
    /// What becomes of the many.
    pub others: Others,
}

/// How the series without a name of their own are told as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Added up: right for what can be added, such as requests.
    Sum,
    /// The highest of them at each moment: right for what cannot, such as a duration.
    Highest,
}

/// One series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// What tells it from others.
    pub labels: BTreeMap<String, String>,
    /// Its samples.
    pub past: Past,
}

/// The series by name, the largest first, and what the others came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// At most one more than [`NAMED`]: a single other keeps its name.
    pub named: Vec<(String, Past)>,
    /// None where all have names.
    pub rest: Option<Rest>,
}

/// Several series as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Rest {
    /// `8 more, summed`.
    pub name: String,
    /// At each moment that any of them has a sample.
    pub past: Past,
}

impl By {
    /// Names the series and folds those that are too many.
    pub fn split(&self, series: Vec<Labelled>) -> Result<Split, Missing> {
        let mut named: Vec<(String, Past)> = Vec::with_capacity(series.len());
        for Labelled { labels, past } in series {
            named.push((self.name(&labels), past));
        }
        named.sort_by(|left, right| left.0.cmp(&right.0));
        if let Some(twins) = named.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let label = &self.label;
            return Err(Missing::Unreadable {
                reason: format!(
                    "several of its series are called `{}`; one for each {label} is wanted, as `sum by ({label}) (...)` gives",
                    twins[0].0
                ),
            });
        }
        // Stable, so that equals keep the order of their names.
        named.sort_by(|left, right| self.others.size(&right.1).total_cmp(&self.others.size(&left.1)));
        if named.len() <= NAMED + 1 {
            return Ok(Split { named, rest: None });
        }
        let others = named.split_off(NAMED);
        let count = others.len();
        Ok(Split {
            named,
            rest: Some(Rest {
                name: match self.others {
                    Others::Sum => format!("{count} more, summed"),
                    Others::Highest => format!("the highest of {count} more"),
                },
                past: self.others.fold(others),
            }),
        })
    }

    /// To Prometheus a label that is not there and an empty one are the same.
    fn name(&self, labels: &BTreeMap<String, String>) -> String {
        match labels.get(&self.label).filter(|value| !value.is_empty()) {
            Some(value) => value.clone(),
            None => format!("no {}", self.label),
        }
    }
}

impl Others {
    /// How large a series is: what it adds to the sum, or how high it rises.
    fn size(self, past: &Past) -> f64 {
        let numbers = past.iter().filter_map(|(_, value)| *value);
        match self {
            Self::Sum => numbers.map(f64::abs).sum(),
            Self::Highest => numbers.fold(f64::NEG_INFINITY, f64::max),
        }
    }

    fn fold(self, series: Vec<(String, Past)>) -> Past {
        let mut folded = BTreeMap::new();
        for (at, value) in series.into_iter().flat_map(|(_, past)| past) {
            let so_far = folded.entry(at).or_insert(None);
            *so_far = match (*so_far, value) {
                (None, value) | (value, None) => value,
                (Some(one), Some(other)) => Some(match self {
                    Self::Sum => one + other,
                    Self::Highest => f64::max(one, other),
                }),
            };
        }
        folded.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn series(name: &str, values: &[Option<f64>]) -> Labelled {
        Labelled {
            labels: BTreeMap::from([("view".to_owned(), name.to_owned())]),
            past: (0..).zip(values).map(|(second, value)| (at(second), *value)).collect(),
        }
    }

    fn by(others: Others) -> By {
        By {
            label: "view".to_owned(),
            others,
        }
    }

    fn names(split: &Split) -> Vec<&str> {
        split.named.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn the_largest_keep_their_names_and_the_rest_are_one() {
        let many = || (0..500).map(|index| series(&format!("v{index:03}"), &[Some(1.0), Some(f64::from(index)), None]));
        let summed = by(Others::Sum).split(many().collect()).unwrap();
        assert_eq!(names(&summed), ["v499", "v498", "v497", "v496", "v495"]);
        let rest = summed.rest.unwrap();
        assert_eq!(rest.name, "495 more, summed");
        let sum = f64::from((0..495).sum::<i32>());
        assert_eq!(rest.past, [(at(0), Some(495.0)), (at(1), Some(sum)), (at(2), None)]);

        let highest = by(Others::Highest).split(many().collect()).unwrap();
        let rest = highest.rest.unwrap();
        assert_eq!(rest.name, "the highest of 495 more");
        assert_eq!(rest.past, [(at(0), Some(1.0)), (at(1), Some(494.0)), (at(2), None)]);
    }

    #[test]
    fn what_is_large_depends_on_whether_it_adds_up() {
        let all = vec![
            series("steady", &[Some(4.0), Some(4.0), Some(4.0)]),
            series("spike", &[None, Some(9.0), None]),
            series("silent", &[None, None, None]),
        ];
        assert_eq!(
            names(&by(Others::Sum).split(all.clone()).unwrap()),
            ["steady", "spike", "silent"]
        );
        assert_eq!(
            names(&by(Others::Highest).split(all).unwrap()),
            ["spike", "steady", "silent"]
        );
    }

    #[test]
    fn one_other_is_no_crowd() {
        let six = (0..6).map(|index| series(&format!("v{index}"), &[Some(1.0)])).collect();
        let split = by(Others::Sum).split(six).unwrap();
        assert_eq!((names(&split).len(), split.rest), (6, None));
    }

    #[test]
    fn a_name_is_the_labels_value_and_no_two_are_the_same() {
        let nameless = Labelled {
            labels: BTreeMap::new(),
            past: Past::new(),
        };
        let split = by(Others::Sum).split(vec![nameless.clone(), series("x", &[])]).unwrap();
        assert_eq!(names(&split), ["no view", "x"]);
        let error = by(Others::Sum).split(vec![nameless, series("", &[])]).unwrap_err();
        insta::assert_snapshot!(error, @"unreadable: several of its series are called `no view`; one for each view is wanted, as `sum by (view) (...)` gives");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_of_a_sum(values in prop::collection::vec(prop::collection::vec(0u32..1000, 3), 0..40)) {
            let all: Vec<Labelled> = values
                .iter()
                .enumerate()
                .map(|(index, row)| {
                    series(&index.to_string(), &row.iter().map(|value| Some(f64::from(*value))).collect::<Vec<_>>())
                })
                .collect();
            let split = by(Others::Sum).split(all).unwrap();
            prop_assert!(split.named.len() <= NAMED + 1);
            for second in 0..3 {
                let drawn = split.named.iter().map(|(_, past)| past).chain(split.rest.iter().map(|rest| &rest.past));
                let sum: f64 = drawn.filter_map(|past| past[second].1).sum();
                prop_assert_eq!(sum, values.iter().map(|row| f64::from(row[second])).sum::<f64>());
            }
        }
    }
}
