//! Sentences that the documentation of many identifiers shares.

pub(crate) const MASK: &str = "Mask it before it reaches a model that need not know it; restore it in the answer with \
                               `restore: true`. Leave it out with `entities` where the business is about such numbers.";

pub(crate) const IDENTITY: &str = "The number stands for one person in every register, for life, and opens accounts in that name.";
pub(crate) const TAX: &str = "The number ties a person to income and property, and serves as a proof of identity in many places.";
pub(crate) const COMPANY: &str =
    "The number names a business, which may be one person, and tells who deals with whom.";
pub(crate) const HEALTH: &str =
    "The number leads to health records, which the law protects more than other data.";
pub(crate) const DOCTOR: &str =
    "The number names a person who treats others, and can be misused to prescribe or to bill.";
pub(crate) const BANK: &str =
    "Together with a name the number moves money, and it tells where somebody banks.";
pub(crate) const VEHICLE: &str =
    "The number leads to the keeper of a vehicle, and tells where somebody was.";
pub(crate) const ADDRESS: &str = "With little else it tells where somebody lives: in some countries a dozen households share one code.";
pub(crate) const DEVICE: &str =
    "The number follows a device, and so a person, across networks and accounts.";
