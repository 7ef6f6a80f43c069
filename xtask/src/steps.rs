//! Named steps with their times, all of them run, and a summary at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::say;

/// What has run so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: String,
    time: Duration,
    detail: Option<String>,
    error: Option<String>,
}

impl Steps {
    /// Runs a step; a failure is kept for the summary, and the next step runs all the same.
    pub(crate) fn step(&mut self, name: &str, body: impl FnOnce() -> Result<Option<String>>) {
        say::note(&format!("\n==> {name}"));
        let started = Instant::now();
        let outcome = body();
        let time = started.elapsed();
        let (detail, error) = match outcome {
            Ok(detail) => (detail, None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        match &error {
            None => say::note(&format!("<== {name}: ok in {:.1} s", time.as_secs_f64())),
            Some(error) => say::note(&format!("<== {name}: FAILED: {error}")),
        }
        self.done.push(Step { name: name.to_owned(), time, detail, error });
    }

    /// Prints one line per step.
    ///
    /// # Errors
    /// Names the steps that failed.
    pub(crate) fn finish(self) -> Result<()> {
        say::note("\nsummary");
        for step in &self.done {
            let mark = if step.error.is_some() { "FAIL" } else { "ok" };
            let detail = step.error.as_ref().or(step.detail.as_ref());
            let detail = detail.map(|detail| format!("  {detail}")).unwrap_or_default();
            let time = step.time.as_secs_f64();
            say::note(&format!("  {mark:<4} {time:>7.1} s  {}{detail}", step.name));
        }
        let failed: Vec<&str> = self
            .done
            .iter()
            .filter(|step| step.error.is_some())
            .map(|step| step.name.as_str())
            .collect();
        if !failed.is_empty() {
            bail!("failed: {}", failed.join(", "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_every_step_and_names_those_that_failed() {
        let mut steps = Steps::default();
        let mut ran = 0;
        steps.step("one", || bail!("broken"));
        steps.step("two", || {
            ran += 1;
            Ok(None)
        });
        assert_eq!(ran, 1);
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: one");
    }
}
