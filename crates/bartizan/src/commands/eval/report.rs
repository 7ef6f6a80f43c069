//! The figures, in the shape that JSON has and people's tables are made from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::EvalArgs;
use super::judge::Judge;
use super::metrics::{Benign, RATES_PER_MILLE, Threshold, needed, percentile, recall, share};
use super::tally::{Example, Examples, Scored, Tally};
use crate::commands::check::result::rounded;

#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    schema: &'static str,
    data: Vec<String>,
    pub(super) families: Vec<&'static str>,
    pub(super) detectors: Vec<&'static str>,
    pub(super) positive: Vec<&'a str>,
    /// The one that every row was judged on; none when rows say theirs.
    channel: Option<&'static str>,
    pub(super) left_out: &'a BTreeMap<String, u64>,
    pub(super) unread: u64,
    pub(super) not_evaluated: u64,
    pub(super) thresholds: Vec<Cut>,
    pub(super) total: Group,
    pub(super) sources: Vec<Group>,
    pub(super) kinds: Vec<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) examples: Option<Vec<Wrong<'a>>>,
}

/// Where the cut is for a false-positive rate.
#[derive(Debug, Serialize)]
pub(super) struct Cut {
    pub(super) false_positive_rate: f64,
    /// Rows are found whose score is greater.
    pub(super) above: Option<f64>,
    /// The rate that this has on the data.
    pub(super) reached: Option<f64>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// A source, a kind, or all rows.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) rows: u64,
    pub(super) benign: u64,
    pub(super) positives: u64,
    pub(super) recall_at: Vec<RecallAt>,
    /// Its positives against all benign rows.
    pub(super) auc: Option<f64>,
    pub(super) shipped: Shipped,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latency: Option<Latency>,
}

#[derive(Debug, Serialize)]
pub(super) struct RecallAt {
    false_positive_rate: f64,
    pub(super) recall: Option<f64>,
}

/// What the guardrails do as they are set.
#[derive(Debug, Serialize)]
pub(super) struct Shipped {
    pub(super) false_positive_rate: Option<f64>,
    pub(super) recall: Option<f64>,
}

/// Time in the guard per row, in microseconds.
#[derive(Debug, Serialize)]
pub(super) struct Latency {
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

/// What went wrong with rows of a kind.
#[derive(Debug, Serialize)]
pub(super) struct Wrong<'a> {
    pub(super) kind: &'a str,
    pub(super) false_alarms: &'a [Example],
    pub(super) misses: &'a [Example],
}

impl<'a> Report<'a> {
    pub(super) fn new(args: &EvalArgs, judge: &'a Judge, tally: &'a Tally) -> Self {
        let total = tally.total();
        let measure = Measure::new(total.benign.clone(), args);
        let groups = |groups: BTreeMap<&str, Scored>| -> Vec<Group> {
            groups.into_iter().map(|(name, scored)| measure.group(name, scored)).collect()
        };
        let wrong = |(kind, examples): (&'a String, &'a Examples)| Wrong {
            kind,
            false_alarms: &examples.false_alarms,
            misses: &examples.misses,
        };
        Self {
            schema: "bartizan.eval/v1",
            data: args.data.iter().map(|file: &PathBuf| file.display().to_string()).collect(),
            families: judge.families().collect(),
            detectors: judge.detectors.iter().copied().collect(),
            positive: judge.positive.iter().map(String::as_str).collect(),
            channel: judge.channel.map(bartizan_core::Channel::name),
            left_out: &tally.left_out,
            unread: tally.unread,
            not_evaluated: tally.not_evaluated,
            thresholds: measure.cuts(total.benign.len()),
            sources: groups(tally.by_source()),
            kinds: groups(tally.by_kind()),
            total: measure.group("total", total),
            examples: (args.examples > 0).then(|| tally.examples.iter().map(wrong).collect()),
        }
    }
}

/// All benign rows, and the cuts they give.
struct Measure {
    benign: Benign,
    thresholds: [(u64, Option<Threshold>); RATES_PER_MILLE.len()],
    latency: bool,
}

impl Measure {
    fn new(benign: Vec<f32>, args: &EvalArgs) -> Self {
        let benign = Benign::new(benign);
        let thresholds = RATES_PER_MILLE.map(|rate| (rate, benign.threshold(rate)));
        Self { benign, thresholds, latency: !args.no_latency }
    }

    fn cuts(&self, rows: usize) -> Vec<Cut> {
        let cut = |(rate, threshold): &(u64, Option<Threshold>)| Cut {
            false_positive_rate: fraction(*rate),
            above: threshold.map(|threshold| rounded(threshold.above)),
            reached: threshold.map(|threshold| figure(threshold.reached)),
            reason: threshold
                .is_none()
                .then(|| format!("not enough benign rows: {rows} of at least {}", needed(*rate))),
        };
        self.thresholds.iter().map(cut).collect()
    }

    fn group(&self, name: &str, mut scored: Scored) -> Group {
        let (benign, positives) = (scored.benign.len() as u64, scored.positives.len() as u64);
        let recall_at = self.thresholds.iter().map(|(rate, threshold)| RecallAt {
            false_positive_rate: fraction(*rate),
            recall: threshold.and_then(|cut| recall(&scored.positives, cut)).map(figure),
        });
        scored.nanos.sort_unstable();
        let micros = |percent| percentile(&scored.nanos, percent).map(micros);
        let latency = micros(50).zip(micros(99)).filter(|_| self.latency);
        Group {
            name: name.to_owned(),
            rows: scored.rows(),
            benign,
            positives,
            recall_at: recall_at.collect(),
            auc: self.benign.auc(&scored.positives).map(figure),
            shipped: Shipped {
                false_positive_rate: share(scored.alarms, benign).map(figure),
                recall: share(scored.hits, positives).map(figure),
            },
            latency: latency.map(|(p50_us, p99_us)| Latency { p50_us, p99_us }),
        }
    }
}

fn fraction(per_mille: u64) -> f64 {
    per_mille as f64 / 1000.0
}

/// Six decimals: finer than a million rows can tell.
fn figure(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// One decimal.
fn micros(nanos: u64) -> f64 {
    (nanos as f64 / 100.0).round() / 10.0
}
