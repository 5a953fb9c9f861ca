//! The answers of Prometheus' HTTP API.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};
use std::collections::BTreeMap;

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// What a query gives at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Instant {
    /// One for each series; none is not zero.
    pub samples: Vec<Sample>,
    /// What Prometheus warns of: a partial answer, say.
    pub warnings: Vec<String>,
}

/// The value of one series at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What tells the series from others.
    pub labels: Labels,
    /// The value, unless it is not a number or infinite.
    pub value: Option<f64>,
    /// The value as Prometheus wrote it: `NaN` and `+Inf` among others.
    pub text: String,
}

impl Sample {
    /// The value as JSON; a whole number stays one.
    pub(super) fn json(&self) -> Value {
        if let Ok(whole) = self.text.parse::<i64>() {
            return Value::from(whole);
        }
        self.value.and_then(Number::from_f64).map_or(Value::Null, Value::Number)
    }
}

/// One series over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What tells the series from others.
    pub labels: Labels,
    /// Unix seconds and the value, unless it is not a number or infinite. Where there was no sample there is no point.
    pub points: Vec<(f64, Option<f64>)>,
    /// How many of the points are not a number.
    pub nan: usize,
    /// How many are infinite.
    pub infinite: usize,
}

/// What a query gives over a span of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// None is not zero.
    pub series: Vec<Series>,
    /// What Prometheus warns of: a partial answer, say.
    pub warnings: Vec<String>,
}

/// What Prometheus says when it says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub kind: String,
    pub message: String,
}

// Read by hand and not as tagged enums: those keep numbers aside in a form in which exact ones cannot be read again.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Envelope<T> {
    status: String,
    data: Option<T>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "resultType")]
    kind: String,
    result: Value,
}

#[derive(Debug)]
pub(super) enum Data {
    Vector(Vec<VectorItem>),
    Matrix(Vec<MatrixItem>),
    Scalar(Point),
    /// Text, or what later versions may have.
    Other(String),
}

#[derive(Debug, Deserialize)]
pub(super) struct VectorItem {
    metric: Labels,
    /// Absent where the sample is a native histogram.
    value: Option<Point>,
}

#[derive(Debug, Deserialize)]
pub(super) struct MatrixItem {
    metric: Labels,
    #[serde(default)]
    values: Vec<Point>,
}

/// Unix seconds and the value as text.
#[derive(Debug, Deserialize)]
pub(super) struct Point(f64, String);

/// Reads the answer to a query: data with warnings, or a refusal. `Err` says why it is neither.
pub(super) fn read(body: &[u8]) -> Result<Result<(Data, Vec<String>), Refusal>, String> {
    let (Body { kind, result }, warnings) = match open(body)? {
        Ok(told) => told,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let data = match kind.as_str() {
        "vector" => serde_json::from_value(result).map(Data::Vector),
        "matrix" => serde_json::from_value(result).map(Data::Matrix),
        "scalar" => serde_json::from_value(result).map(Data::Scalar),
        _ => Ok(Data::Other(kind)),
    };
    Ok(Ok((data.map_err(|error| error.to_string())?, warnings)))
}

/// What every answer is wrapped in, whatever was asked for.
pub(super) fn open<T: DeserializeOwned>(body: &[u8]) -> Result<Result<(T, Vec<String>), Refusal>, String> {
    let envelope: Envelope<T> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match envelope {
        Envelope {
            status,
            data: Some(data),
            warnings,
            ..
        } if status == "success" => Ok(Ok((data, warnings))),
        Envelope {
            status,
            error_type: Some(kind),
            error: Some(message),
            ..
        } if status == "error" => Ok(Err(Refusal { kind, message })),
        Envelope { status, .. } => Err(format!("its status is {status:?}, and what belongs to that is missing")),
    }
}

/// Why data is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Another kind of thing.
    Kind { found: String, wanted: &'static str },
    /// A value that is no number.
    Value(String),
}

impl Data {
    fn kind(&self) -> String {
        match self {
            Self::Vector(_) => "values at one time".to_owned(),
            Self::Matrix(_) => "values over a range".to_owned(),
            Self::Scalar(_) => "one number".to_owned(),
            Self::Other(kind) => format!("a {kind}"),
        }
    }

    /// The answer to an instant query.
    pub fn samples(self) -> Result<Vec<Sample>, Unfit> {
        match self {
            Self::Vector(items) => items
                .into_iter()
                .map(|VectorItem { metric, value }| match value {
                    Some(Point(_, text)) => sample(metric, text),
                    None => Err(Unfit::Kind {
                        found: "a native histogram".to_owned(),
                        wanted: "a value",
                    }),
                })
                .collect(),
            Self::Scalar(Point(_, text)) => Ok(vec![sample(Labels::new(), text)?]),
            Self::Matrix(_) | Self::Other(_) => Err(Unfit::Kind {
                found: self.kind(),
                wanted: "a value",
            }),
        }
    }

    /// The answer to a range query.
    pub fn series(self) -> Result<Vec<Series>, Unfit> {
        let Self::Matrix(items) = self else {
            return Err(Unfit::Kind {
                found: self.kind(),
                wanted: "a range",
            });
        };
        items
            .into_iter()
            .map(|MatrixItem { metric, values }| {
                let mut series = Series {
                    labels: metric,
                    points: Vec::with_capacity(values.len()),
                    nan: 0,
                    infinite: 0,
                };
                for Point(at, text) in values {
                    let value = number(&text)?;
                    series.nan += usize::from(value.is_nan());
                    series.infinite += usize::from(value.is_infinite());
                    series.points.push((at, Some(value).filter(|value| value.is_finite())));
                }
                Ok(series)
            })
            .collect()
    }
}

fn sample(labels: Labels, text: String) -> Result<Sample, Unfit> {
    let value = Some(number(&text)?).filter(|value| value.is_finite());
    Ok(Sample { labels, value, text })
}

/// NaN and the infinities are values of Prometheus as well.
fn number(text: &str) -> Result<f64, Unfit> {
    text.parse().map_err(|_| Unfit::Value(text.to_owned()))
}
