//! LLM data plane: wire protocols, providers, envelope, streaming, limits.
