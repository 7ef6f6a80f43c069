//! What the detectors of links and markup share: URLs that carry data, tags, and hidden orders.

pub(crate) mod orders;
pub(crate) mod tag;
pub(crate) mod url;
