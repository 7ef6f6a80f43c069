//! Texts to read: ordinary ones of six kinds, of any length, the same each time.
//!
//! Pieces follow one another in an order that a small generator gives, and `#` in a piece becomes a number, so
//! that no text repeats itself as a whole.

/// A kind of text.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pieces: &'static [&'static str],
}

impl Kind {
    /// Exactly so many characters.
    pub(super) fn text(&self, characters: usize, seed: u64) -> String {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = |below: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let mut text = String::new();
        let (mut count, mut last) = (0, 0);
        while count < characters {
            // Never the same piece twice in a row.
            let pieces = self.pieces.len() as u64;
            last = (last + 1 + next(pieces - 1)) % pieces;
            let piece = usize::try_from(last).ok().and_then(|at| self.pieces.get(at));
            for character in piece.unwrap_or(&" ").chars() {
                match character {
                    '#' => {
                        text.push_str(&(next(900) + 100).to_string());
                        count += 3;
                    }
                    other => {
                        text.push(other);
                        count += 1;
                    }
                }
            }
        }
        text.chars().take(characters).collect()
    }
}

/// All kinds. Chats and JSON hold addresses of e-mail under reserved domains; nothing else in any of them is to
/// be found.
pub(super) const KINDS: [Kind; 6] = [
    Kind { name: "prose", pieces: PROSE },
    Kind { name: "chat", pieces: CHAT },
    Kind { name: "code", pieces: CODE },
    Kind { name: "JSON", pieces: JSON },
    Kind { name: "German", pieces: GERMAN },
    Kind { name: "Chinese", pieces: CHINESE },
];

const PROSE: &[&str] = &[
    "The mill stood empty for # years before anyone thought of turning it into a school. ",
    "Rain had come through the roof and taken the upper floor, but the walls were sound. ",
    "An engineer from the county measured every beam and wrote the figures in a green book. ",
    "Most of the villagers came to the meeting, and about half of them had an opinion. ",
    "What the river takes in spring, an old proverb says, it gives back in autumn, only elsewhere. ",
    "Nobody could say what the repairs would cost, although three builders had been asked.\n\n",
    "In the end the decision fell by # votes to #, and the loser bought a round for everyone. ",
    "The first class had eleven pupils and a teacher who played the cello at the wrong moments. ",
    "Bread was baked on Wednesdays, and the smell made arithmetic difficult. ",
    "By the following summer the wheel was turning again, slowly, for the sake of the visitors. ",
    "A grain of wheat, ground between the two stones, yields a coarse and rather grey flour. ",
    "She kept the accounts herself: # crowns for timber, # for glass, and nothing for luck.\n\n",
    "Historians disagree about the date, which the church book gives only as the year of the long frost. ",
    "It was generally held that the bridge would not last, and it has been generally held ever since. ",
];

const CHAT: &[&str] = &[
    "User: could you help me plan a trip for # people? we like trains and hate early mornings\n",
    "Assistant: Of course! How many days do you have, and where would you start from?\n",
    "User: five days, starting from Ghent, budget is around # each\n",
    "Assistant: Then I would suggest two nights by the coast and two in the hills, with the fast train between.\n",
    "User: sounds good, what about food? one of us is vegetarian and one allergic to nuts\n",
    "Assistant: Both towns have plenty of choice. I can make a short list with opening hours if you like.\n",
    "User: yes please, and send the summary to mara.jansen#@example.com when we are done :)\n",
    "Assistant: I cannot send mail myself, but here is a text that you can copy.\n",
    "User: lol ok. is the museum open on mondays? my sister says it isn't\n",
    "Assistant: It is closed on Mondays and opens at ten on other days; tickets cost less after three.\n",
    "User: hmm, then let's swap day 2 and day 3\n",
    "Assistant: Done. Day 2 is now the boat tour, and the museum moves to the afternoon of day 3.\n",
    "User: thanks!! what should we pack, it's october\n",
    "Assistant: A rain jacket, good shoes and one warm layer. The wind by the sea can be strong.\n",
];

const CODE: &[&str] = &[
    "def moving_average(values, width=#):\n    total = sum(values[:width])\n    yield total / width\n",
    "    for index in range(width, len(values)):\n        total += values[index] - values[index - width]\n",
    "class Inventory:\n    def __init__(self, shelves):\n        self.shelves = {s.name: s for s in shelves}\n\n",
    "    def find(self, item, default=None):\n        # The first shelf that has it wins.\n        return next((s for s in self.shelves.values() if item in s), default)\n\n",
    "if __name__ == \"__main__\":\n    parser = argparse.ArgumentParser(description=\"count words\")\n    parser.add_argument(\"--limit\", type=int, default=#)\n\n",
    "pub fn parse(input: &str) -> Result<Vec<Token>, Error> {\n    let mut tokens = Vec::with_capacity(input.len() / #);\n",
    "    while let Some((at, c)) = chars.next() {\n        match c {\n            '0'..='9' => tokens.push(number(at, &mut chars)?),\n            _ => return Err(Error::Unexpected(at)),\n        }\n    }\n    Ok(tokens)\n}\n\n",
    "const total = rows.filter((row) => row.count > #).reduce((sum, row) => sum + row.price * row.count, 0);\n",
    "export async function load(path) {\n  const response = await fetch(`/api/items/${path}`);\n  if (!response.ok) throw new Error(response.statusText);\n  return response.json();\n}\n\n",
    "func (q *Queue) Push(item Item) error {\n\tq.mu.Lock()\n\tdefer q.mu.Unlock()\n\tif len(q.items) >= # {\n\t\treturn ErrFull\n\t}\n\tq.items = append(q.items, item)\n\treturn nil\n}\n\n",
    "/* Rows are padded to a multiple of # bytes so that each starts on a cache line. */\n",
    "for (size_t i = 0; i < n; ++i) {\n    sum += weights[i] * inputs[i];\n}\n\n",
];

const JSON: &[&str] = &[
    "{\"id\":\"ord-#\",\"status\":\"shipped\",\"lines\":[{\"sku\":\"LMP-#\",\"count\":2,\"price\":19.95},{\"sku\":\"CBL-#\",\"count\":1,\"price\":4.5}]},\n",
    "{\"event\":\"page_view\",\"path\":\"/catalogue/lamps\",\"duration_ms\":#,\"device\":{\"type\":\"tablet\",\"width\":1024,\"height\":768}},\n",
    "{\"customer\":{\"id\":#,\"name\":\"Mara Jansen\",\"email\":\"mara#@example.com\",\"newsletter\":false},\"tags\":[\"new\",\"eu\"]},\n",
    "{\"sensor\":\"greenhouse-#\",\"at\":\"2026-03-04T09:30:00Z\",\"readings\":{\"temperature\":21.4,\"humidity\":0.#,\"light\":null}},\n",
    "{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"description\":\"Weather of a place\",\"parameters\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}},\n",
    "{\"title\":\"Minutes of the meeting\",\"pages\":#,\"authors\":[\"A. Novak\",\"P. Lund\"],\"summary\":\"The budget was approved without changes.\"},\n",
    "{\"build\":{\"number\":#,\"branch\":\"main\",\"passed\":true,\"steps\":[\"fetch\",\"compile\",\"test\"],\"seconds\":#.7}},\n",
    "{\"geometry\":{\"type\":\"Point\",\"coordinates\":[3.72,51.05]},\"properties\":{\"name\":\"Tower #\",\"floors\":12}},\n",
];

const GERMAN: &[&str] = &[
    "Die Werkstatt liegt im Hinterhof, zwischen einer Druckerei und # alten Kastanien. ",
    "Wer hier etwas reparieren lässt, bekommt keinen Beleg, sondern eine Tasse Kaffee und ein Versprechen. ",
    "Gestern brachte ein Herr eine Spieluhr, die seit dem Umzug keinen Ton mehr von sich gab. ",
    "Das Uhrwerk war in Ordnung; nur eine Feder hatte sich gelöst und klemmte unter der Walze. ",
    "Für die Bestellung werden # Schrauben, etwas Öl und viel Geduld benötigt.\n\n",
    "Am Donnerstag findet die Besprechung ausnahmsweise erst um halb elf statt. ",
    "Bitte fassen Sie die Ergebnisse der Umfrage in drei Sätzen zusammen und nennen Sie die Gründe. ",
    "Die Übersetzung größerer Verträge dauert erfahrungsgemäß länger als vereinbart. ",
    "Im Keller stehen noch # Kisten mit Zeitschriften, die niemand wegwerfen möchte. ",
    "Der Zug nach Süden fährt heute von einem anderen Gleis, was die Durchsage allerdings verschweigt. ",
    "Über den Preis lässt sich reden, über die Qualität nicht, sagt die Meisterin und lacht.\n\n",
    "Zum Abendessen gab es Kartoffeln mit Quark, dazu einen Salat aus dem eigenen Garten. ",
];

const CHINESE: &[&str] = &[
    "山脚下的小镇每逢周三有集市，卖菜的、修鞋的和讲故事的人都会早早赶来。",
    "今年的茶叶比去年少了#公斤，不过香味更浓，价格也跟着涨了一些。",
    "请把会议记录整理成三个要点，并说明每个人在月底之前需要完成什么工作。",
    "图书馆的新馆有#个座位，靠窗的位置总是最先坐满。",
    "她在桌上放了一盏旧台灯，说写信的时候只有这种光才合适。\n",
    "天气预报说下午有雨，可是直到傍晚云也没有散开，雨也没有落下来。",
    "这段程序的作用是读取文件，统计每一行的字数，然后把结果写入表格。",
    "老师傅修好了那台收音机，只换了一个零件，花了不到#分钟。",
    "从车站走到河边大约需要二十分钟，路上会经过一座石桥和两家面馆。",
    "孩子们在院子里种了向日葵，每天放学以后都要去看看长高了没有。\n",
    "关于预算的讨论持续了很久，最后大家同意先试行一个季度再作决定。",
    "他喜欢在清晨跑步，因为那时候街道很安静，只听得见自己的脚步声。",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_length_that_was_asked_for_and_is_the_same_each_time() {
        for kind in &KINDS {
            for length in [1, 500, 10_000] {
                let text = kind.text(length, 1);
                assert_eq!(text.chars().count(), length, "{}", kind.name);
                assert_eq!(text, kind.text(length, 1), "{}", kind.name);
                assert!(!text.contains('#'), "{}", kind.name);
            }
            assert_ne!(kind.text(500, 1), kind.text(500, 2), "{}", kind.name);
        }
    }

    #[test]
    fn a_text_does_not_repeat_itself() {
        for kind in &KINDS {
            let text: Vec<char> = kind.text(10_000, 1).chars().collect();
            let (first, second) = text.split_at(5_000);
            assert!(!second.windows(400).any(|part| first.starts_with(part)), "{}", kind.name);
        }
    }
}
