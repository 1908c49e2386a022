//! The committed TypeScript types are those of `messages.rs`.
