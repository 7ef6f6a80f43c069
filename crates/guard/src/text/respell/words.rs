//! The words that are looked for under another spelling: those of which attacks on models are made.

/// Words of four letters and more, lower case.
pub(super) const TELLING: &str = "\
ignore ignored ignores ignoring disregard disregarded disregarding forget forgetting \
override overrides overriding bypass bypassing circumvent discard dismiss neglect overlook \
abandon disobey erase delete skip stop previous previously prior above earlier preceding \
before former instruction instructions directive directives guideline guidelines guidance \
rule rules policy policies restriction restrictions restricted unrestricted limitation \
limitations limits filter filters filtered unfiltered safety safeguard safeguards moderation \
censorship censored uncensored ethical ethics moral system systems prompt prompts message \
messages initial original hidden secret secrets secretly confidential internal developer \
developers configuration settings context conversation reveal revealing show display print \
output repeat recite translate summarize expose leak disclose dump tell share write \
everything anything pretend pretending roleplay imagine simulate character persona jailbreak \
jailbroken freedom without constraints constraint allowed forbidden answer answers question \
respond response assistant model language training trained chatbot admin administrator \
password passwords credentials token tokens access mode enabled enable activate activated \
disable disabled follow following obey comply execute command commands perform instead \
verbatim exactly word words text given told your from acting always never must should \
boundaries protocol protocols guardrails security bomb bombs weapon weapons explosive \
explosives malware virus ransomware hack hacking poison drugs kill murder steal phishing \
illegal harmful dangerous suicide detailed steps make build create explain describe \
orders directions paste configured existing cancel revoke attention instruct current \
";

/// Small words that stand between the telling words of an order, and in no name of code.
pub(super) const SMALL: [&str; 4] = ["all", "the", "your", "any"];

/// Words that are what they are, and no other word with its letters in disorder or one left out.
pub(super) const THEMSELVES: [&str; 10] =
    ["form", "revel", "filer", "polices", "stop", "spot", "pots", "step", "mode", "crate"];
