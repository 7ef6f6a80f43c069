//! Guards, tests and proves the security of AI systems.
fn main() {}
