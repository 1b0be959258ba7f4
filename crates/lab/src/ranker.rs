//! The trees against their peer.
