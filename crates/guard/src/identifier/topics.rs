//! Kinds of words that name many identifiers, in the languages in which they are written.
//!
//! A word may be written in any case, and with its parts apart or together. One that ends in `*` may
//! go on as a longer word.

mod business;
mod people;

/// What a word before a number speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// A passport or other travel document.
    Passport,
    /// A national identity number or card.
    Identity,
    /// A number of the tax office.
    Tax,
    /// A number for value added tax.
    Vat,
    /// A company, or its entry in a register.
    Company,
    /// Social security and pensions.
    SocialSecurity,
    /// Health insurance and patients.
    Health,
    /// Doctors and others who may treat or prescribe.
    Doctor,
    /// A driving licence.
    Driving,
    /// A vehicle and its plate.
    Vehicle,
    /// A bank account.
    Bank,
    /// A postal address.
    Address,
    /// A date of birth.
    Birth,
    /// An election roll.
    Voter,
}

/// The words of each topic.
pub(crate) static TOPICS: &[(Topic, &[&str])] = &[
    (Topic::Passport, people::PASSPORT),
    (Topic::Identity, people::IDENTITY),
    (Topic::Tax, business::TAX),
    (Topic::Vat, business::VAT),
    (Topic::Company, business::COMPANY),
    (Topic::SocialSecurity, people::SOCIAL_SECURITY),
    (Topic::Health, people::HEALTH),
    (Topic::Doctor, people::DOCTOR),
    (Topic::Driving, people::DRIVING),
    (Topic::Vehicle, business::VEHICLE),
    (Topic::Bank, business::BANK),
    (Topic::Address, business::ADDRESS),
    (Topic::Birth, people::BIRTH),
    (Topic::Voter, people::VOTER),
];
