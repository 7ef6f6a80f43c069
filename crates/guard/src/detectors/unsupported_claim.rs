//! Figures, names and quotations of an answer that stand in nothing the model was given.

mod claims;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Channel, ChannelSet, Severity};

use self::claims::Claim;
use crate::detector::{Detector, Findings, Hit, Reads};
use crate::text::View;

pub(super) static DETECTOR: UnsupportedClaim = UnsupportedClaim;

/// Finds claims without support.
pub(super) struct UnsupportedClaim;

static META: Meta = Meta {
    id: "unsupported-claim",
    summary: "A figure, name or quotation that the context of the request does not hold",
    severity: Severity::Low,
    category: Category::Groundedness,
    label: "CLAIM",
    docs: Docs {
        finds: "In answers to requests that carry documents or results of tools of at least 200 bytes: figures (UNSUPPORTED_FIGURE), names of \
                two words or more in the middle of a sentence (UNSUPPORTED_NAME), and quotations of four words or more \
                (UNSUPPORTED_QUOTE) that occur in no text of the request, whoever wrote it. `1,234.50`, `1234.5` and `1.234,50` are one figure, \
                `2 million` is `2,000,000`, `17%` is `0.17`. What is rounded, and what is the sum, difference, product, ratio or share of two \
                of the first 16 amounts, counts as held; so do whole numbers up to 12, numbers of lists and marks of \
                footnotes. Single names score 0.4.",
        matters: "An answer about documents should say what they say. Figures and quotations that are made up look like \
                  all others.",
        example: "With a document that says \"revenue rose to 4.2 million euros\", \"revenue was 4.7 million\" is found, \
                  \"4,200,000 euros\" is not.",
        fix: "Let it `flag`: it is a hint where to look, not proof. Show the flagged places beside the sources.",
        limits: "It compares, and understands nothing: a figure that stands in the context for something else passes, a wrong \
                 claim made of words that occur passes, and what is worked out in more than one step, counted, converted to \
                 other units, spelled out, or known to everyone is found. Of names it sees capital letters only, and all nouns of German have \
                 them; scripts without capitals have none. Translated quotations are found. Requests of more than 2 MiB of text are not judged, \
                 nor are arguments of tools. Code with figures of its own is judged like prose.",
    },
    references: &[Reference::Owasp("LLM09:2025"), Reference::Dasf("9.8")],
    flags: &[
        "Quay fees rose to 4.7 million euros in that year.",
        "The harbour had 312 berths.",
        "It was built by the architect Maria Lindqvist in the end.",
        "The report says \"all boats must leave the harbour by noon\" on page 2.",
        "Growth was 23.4% last year.",
        "The next review is on 2031-05-17.",
        "1. The fee is 95.50 euros.\n2. It is due at once.",
    ],
    passes: &[
        "Quay fees rose to 4,200,000 euros in 2023, or 4.2 million.",
        "There are 285 berths, 140 of them for guests and 145 for members.",
        "About 49% of the berths are for guests.",
        "The harbour master, Anna Berg, closes the office at 12:30.",
        "The report says \"the office closes at noon on Fridays\".",
        "1. Berths\n2. Fees\n13. Others",
        "There are 3 reasons, see [17] and step 4.",
        "The fee is 85,50 euros, and not 3 times that.",
        "Nothing is known about this.",
        "**Key Points**\n\nThe Harbour Office is open.",
        "It opened on 3 May 1998, i.e. 1998-05-03 or 03.05.1998.",
        "See chapter v2.14.7 of README-99 and id abc123 at https://example.org/4711/x.",
    ],
};

impl Detector for UnsupportedClaim {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn channels(&self) -> ChannelSet {
        ChannelSet::of(&[Channel::Output])
    }

    fn reads(&self) -> Reads {
        Reads::Folded
    }

    fn look_behind(&self) -> usize {
        claims::LOOK_BEHIND
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        if !self.channels().contains(view.channel()) || view.encoding().is_some() {
            return;
        }
        let Some(context) = view.session().context() else { return };
        let mut note = |claim: Claim| {
            if claim.is_open {
                findings.undecided(claim.start);
            }
            if claim.is_missing {
                findings.push_labelled(claim.start, claim.end, claim.score, claim.label);
            }
        };
        claims::figures(view, context, &mut note);
        claims::quotations(view.text(), context, &mut note);
        claims::names(view.text(), context, &mut note);
    }
}
