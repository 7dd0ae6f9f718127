//! What vulcand understands, as far as it was found out on a running one.
pub mod route;
