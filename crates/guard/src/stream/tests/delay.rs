//! How many bytes of an answer wait, with the guardrails of the default policy.

use std::fmt::Write as _;
use std::sync::Arc;

use bartizan_core::settings::{Detect, Guardrail};
use bartizan_core::{Action, Category, Channel, ChannelSet};

use crate::{Guard, Session, detectors, testing};

/// An answer of prose, a list and code.
const ANSWER: &str = "Sure. The harbour office opens at eight and closes at noon on Fridays, so it is best to \
    call before ten; most of the boats that leave before the tide turns carry two people and a dog, and come \
    back with less fish than they had hoped for. Here is what to look for:\n\n\
    1. **Berths** - ask for one at pier 4, where `berths.status = 'free'`.\n\
    2. **Fees** - 12.50 a night, 75.00 a week; see [the list](https://harbour.example/fees).\n\
    3. **Papers** - mail them to office@harbour.example, or bring them along.\n\n\
    The query below shows which berths are free this week:\n\n\
    ```sql\nSELECT name, length_m FROM berths\nWHERE status = 'free' AND length_m >= 12\nORDER BY name;\n```\n\n\
    and this prints them, one per line:\n\n\
    ```sh\npsql \"$HARBOUR_DB\" --csv -f free.sql | tail -n +2 | cut -d, -f1\n```\n\n\
    If you would rather have a page, <b>free berths</b> are shown in bold there. ";

/// The guardrails of the default policy that read answers, and more of them.
fn rails(more: &[(Category, Action)]) -> Vec<Guardrail> {
    let default = [
        (Category::Pii, Action::Mask),
        (Category::Secret, Action::Mask),
        (Category::Exfiltration, Action::Block),
        (Category::PromptLeak, Action::Block),
        (Category::Markup, Action::Flag),
        (Category::Terminal, Action::Mask),
        (Category::CodeInjection, Action::Flag),
        (Category::Flood, Action::Flag),
    ];
    let rail = |(category, action): &(Category, Action)| {
        let metas = detectors::ALL.iter().map(|detector| detector.meta());
        let ids = metas.filter(|meta| meta.category == *category).map(|meta| meta.id);
        let ids = ids.filter(|id| !detectors::ON_REQUEST.contains(id)).collect();
        let on = ChannelSet::of(&[Channel::Output]);
        Guardrail { on, ..testing::rail(Detect::Detectors(ids), *action) }
    };
    default.iter().chain(more).map(rail).collect()
}

/// Bytes that wait after each piece of 20 bytes: on average, and at most.
fn delay(guard: &Arc<Guard>, text: &str) -> (f64, usize) {
    let mut stream = guard.stream(Channel::Output, Arc::new(Session::default()));
    let mut held = Vec::new();
    for piece in text.as_bytes().chunks(20) {
        assert_eq!(stream.push(std::str::from_utf8(piece).unwrap()).blocked, None);
        held.push(stream.held_bytes());
    }
    let mean = held.iter().sum::<usize>() as f64 / held.len() as f64;
    (mean, held.into_iter().max().unwrap_or_default())
}

#[test]
fn an_answer_waits_for_guardrails_that_could_change_it_alone() {
    let mut answer = String::new();
    for part in 0.. {
        if answer.len() >= 2_000 {
            break;
        }
        let _ = write!(answer, "{ANSWER}So much for part {part}. ");
    }
    answer.truncate(2_000);
    for (name, more) in [
        ("default policy", Vec::new()),
        ("and unsafe content, flagged", vec![(Category::UnsafeContent, Action::Flag)]),
    ] {
        let rails = rails(&more);
        let (mean, most) = delay(&testing::guard(&rails), &answer);
        println!("{name}: {mean:.1} bytes wait on average, {most} at most");
        assert!(mean < 8.0 && most < 40, "{name}: {mean:.1}, {most}");
        let acting: Vec<Guardrail> =
            rails.into_iter().filter(|rail| rail.action != Action::Flag).collect();
        assert_eq!(delay(&testing::guard(&acting), &answer), (mean, most));
    }
}
