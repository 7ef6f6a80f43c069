//! What one text costs: cutting, hashing, summing, and the noise of its stretches.
//!
//! The model is the one that ships, read from its file.

use bartizan_model::attack::{AttackModel, Speaker, decode};
use bartizan_model::content::{self, ContentModel};
use bartizan_model::{Sink, Word, segments, tokens, walk};
use divan::{Bencher, black_box, counter::BytesCount};

fn main() {
    divan::main();
}

const PROSE: &str = "Could you help me plan a small garden behind the house? The soil is heavy and wet in \
    spring, and the fence on the north side keeps most of it in the shade until noon. I would like herbs near \
    the kitchen door, some beans, and flowers that bees enjoy. My neighbour says that raised beds are the only \
    way, but wood is expensive here. What would you do first, and which plants forgive a beginner's mistakes? ";

fn text(bytes: usize) -> String {
    PROSE.chars().cycle().take(bytes).collect()
}

#[expect(clippy::expect_used, reason = "a benchmark that cannot load its model has nothing to say")]
fn model() -> AttackModel {
    decode(include_bytes!("../../guard/models/attack.bin")).expect("a whole model")
}

struct Count(usize);

impl Sink for Count {
    fn token(&mut self, hash: u32) {
        self.0 += hash as usize & 1;
    }

    fn word(&mut self, word: Word<'_>) {
        word.characters(|hash| self.0 += hash as usize & 1);
    }

    fn segment(&mut self, _start: usize, _end: usize) {}
}

#[divan::bench(args = [500, 10_000])]
fn cut(bencher: Bencher<'_, '_>, bytes: usize) {
    let text = text(bytes);
    bencher.counter(BytesCount::new(bytes)).bench(|| tokens::tokens(black_box(&text)).count());
}

#[divan::bench(args = [500, 10_000])]
fn hash(bencher: Bencher<'_, '_>, bytes: usize) {
    let text = text(bytes);
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let mut count = Count(0);
        walk(black_box(&text), &mut count);
        count.0
    });
}

#[divan::bench(args = [500, 10_000])]
fn sum(bencher: Bencher<'_, '_>, bytes: usize) {
    let (text, model) = (text(bytes), model());
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| segments::read(&model.heads.table, black_box(&text)).len());
}

#[divan::bench(args = [500, 10_000])]
fn senses(bencher: Bencher<'_, '_>, bytes: usize) {
    let (text, model) = (text(bytes), model());
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| model.heads.lexicon.senses(black_box(&text)).len());
}

#[divan::bench(args = [500, 10_000])]
fn attack(bencher: Bencher<'_, '_>, bytes: usize) {
    let (text, model) = (text(bytes), model());
    bencher.counter(BytesCount::new(bytes)).bench(|| model.worst(black_box(&text), Speaker::User));
}

#[divan::bench(args = [500, 10_000])]
fn noise(bencher: Bencher<'_, '_>, bytes: usize) {
    let (text, model) = (text(bytes), model());
    bencher.counter(BytesCount::new(bytes)).bench(|| model.noise(black_box(&text), 2.1));
}

#[expect(clippy::expect_used, reason = "a benchmark that cannot load its model has nothing to say")]
fn content_model() -> ContentModel {
    content::decode(include_bytes!("../../guard/models/content.bin")).expect("a whole model")
}

#[divan::bench(args = [500, 10_000])]
fn content(bencher: Bencher<'_, '_>, bytes: usize) {
    let (text, model) = (text(bytes), content_model());
    bencher.counter(BytesCount::new(bytes)).bench(|| model.highest(black_box(&text)));
}

#[divan::bench(args = [500, 10_000])]
fn content_senses(bencher: Bencher<'_, '_>, bytes: usize) {
    let (text, model) = (text(bytes), content_model());
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| model.senses.sums(&model.lexicons.senses(black_box(&text))));
}
