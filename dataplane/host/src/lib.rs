//! The kernel of this machine: addresses, routes, rules, made as desired and repaired.
