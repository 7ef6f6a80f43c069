//! The catalogue of detectors, and detectors made from words that policy gives.

mod policy;

use crate::detector::Detector;

pub use policy::POLICY_MADE;
pub(crate) use policy::from_policy;

bartizan_core::catalog! {
    pub ALL: dyn Detector as DETECTOR;
    email, us_ssn, crypto_address, mac_address, ip_address, iban, credit_card, phone_number, instruction_override, prompt_extraction, role_play_jailbreak, chat_template_token, delimiter_trick, hidden_unicode, bidi_override, homoglyph, spaced_letters, encoded_instruction,
    known_key, shaped_key, private_key, connection_secret, kubernetes_secret, generic_secret, sample_secret, data_link, html_loader, hidden_text, active_markup, terminal_escape,
    prompt_attack, adversarial_suffix,
    system_prompt_leak, canary_leak, repetition, token_flood,
}

/// The detector with this id.
pub fn find(id: &str) -> Option<&'static dyn Detector> {
    ALL.iter().copied().find(|detector| detector.meta().id == id)
}

#[cfg(test)]
mod tests;
