//! Admin API and health pages on the console port.
