//! Whether there is room for a request: brakes, and limits.

use bartizan_core::settings::{BrakeKind, Price};
use bartizan_core::{RuleId, Verdict};

use super::{Exchange, endpoint};
use crate::auth::Caller;
use crate::brakes::{self, Counted};
use crate::error::GatewayError;
use crate::heavy;
use crate::json::{Document, Kind};
use crate::limits::{self, Limits, Refused, Use};
use crate::protocols;
use crate::record::estimate_tokens;

/// Tokens set aside for an answer whose length the request does not limit.
const ANSWER_TOKENS: u64 = 1024;
/// Members of a request that say how much it may use.
const COUNTS: [&str; 5] =
    ["max_completion_tokens", "max_output_tokens", "max_tokens", "n", "best_of"];

impl Exchange {
    /// Checks the outline of the request and takes room on the limits before anything is sent.
    pub(super) async fn reserve(
        &mut self,
        caller: &Caller,
        target: &endpoint::Target,
        document: &Document<'_>,
    ) -> Result<(), GatewayError> {
        let Some(protocol) = protocols::of(self.operation) else { return Ok(()) };
        protocol.check_request(document.root()).map_err(GatewayError::Shape)?;
        for name in COUNTS {
            let count = document.root().get(name).filter(|count| count.kind() != Kind::Null);
            if count.is_some_and(|count| count.as_u64().is_none()) {
                return Err(GatewayError::Shape(
                    "`n`, `best_of` and `max_…` must be whole numbers",
                ));
            }
        }
        let input = estimate_tokens(document.source().len() as u64);
        let unlimited = || ANSWER_TOKENS.saturating_mul(protocols::choices(document.root()));
        let output = protocol.planned_output(document.root()).unwrap_or_else(unlimited);
        self.record.prompt_tokens = input;
        let settings = &target.endpoint.settings;
        let looked = heavy::run(document.source().len(), || {
            let (root, caller) = (document.root(), &caller.principal);
            brakes::look(&settings.brakes, self.operation, protocol, root, caller)
        });
        if let Some(braked) = looked.stopped {
            self.note_braked(target, braked.kind);
            return Err(braked.into());
        }
        self.goes_over(target, looked.over.iter().map(|brake| (&brake.id, brake.kind)));
        let price = self.price(target);
        let snapshot = std::sync::Arc::clone(&self.snapshot);
        let over_all = &*snapshot.settings.limits;
        let mut all = over_all.iter().chain(&settings.limits);
        let counts_money = all.find(|limit| limit.nano_usd.is_some());
        let counts_money = counts_money.map(|limit| limit.id.to_string());
        let token_counts = caller.token.as_ref().is_some_and(|token| {
            token.allowances.iter().any(|allowance| allowance.nano_usd.is_some())
        });
        let counts_money =
            counts_money.or_else(|| token_counts.then(|| limits::TOKEN_BUDGET.to_owned()));
        if let (Some(limit), None) = (counts_money, price) {
            let model = target.endpoint.routes.first().and_then(|route| route.model.clone());
            let model = model.unwrap_or_else(|| target.model.clone());
            return Err(GatewayError::PriceUnknown { limit, model });
        }
        let nano_usd = price.map_or(0, |price| {
            price.input.per_million(input).saturating_add(price.output.per_million(output)).0
        });
        let planned = Use { tokens: input.saturating_add(output), nano_usd };
        let endpoint = &target.endpoint.name;
        let counters = &*self.gateway.counters;
        let limits = Limits { endpoint, own: &settings.limits, over_all };
        let reserved = limits::reserve(counters, limits, &looked.counted, caller, planned).await;
        if let Err(Refused::Braked(braked)) = &reserved {
            self.note_braked(target, braked.kind);
        }
        let reservation = reserved.map_err(|refused| match refused {
            Refused::Exhausted(exhausted) if exhausted.limit.as_str() == limits::TOKEN_PROOF => {
                GatewayError::ProofReplayed
            }
            Refused::Exhausted(exhausted) => GatewayError::Limited(exhausted),
            Refused::Braked(braked) => GatewayError::Braked(braked),
            Refused::Uncounted => GatewayError::CountersAway { endpoint: endpoint.to_string() },
        })?;
        let over = reservation.over.iter().filter_map(|place| looked.counted.get(*place));
        self.goes_over(
            target,
            over.map(|counted: &Counted<'_>| (&counted.brake.id, counted.brake.kind)),
        );
        self.record.reserve(reservation, price);
        Ok(())
    }

    /// Counts a request that a brake stops.
    fn note_braked(&self, target: &endpoint::Target, kind: BrakeKind) {
        self.gateway.metrics.braked(&target.endpoint.name, kind, Verdict::Block);
    }

    /// Notes brakes that do not stop the request.
    fn goes_over<'b>(
        &mut self,
        target: &endpoint::Target,
        brakes: impl Iterator<Item = (&'b RuleId, BrakeKind)>,
    ) {
        for (id, kind) in brakes {
            self.gateway.metrics.braked(&target.endpoint.name, kind, Verdict::Flag);
            self.record.goes_over(id.as_str());
        }
    }

    /// The highest price among the models that may answer.
    fn price(&self, target: &endpoint::Target) -> Option<Price> {
        let prices = target.endpoint.routes.iter().map(|route| {
            let model = route.model.as_deref().unwrap_or(&target.model);
            let prices = &self.snapshot.settings.prices;
            prices.get(model).or_else(|| prices.get(Price::OF_OTHERS)).copied()
        });
        let prices: Option<Vec<Price>> = prices.collect();
        prices?
            .into_iter()
            .reduce(|a, b| Price { input: a.input.max(b.input), output: a.output.max(b.output) })
    }
}
