//! Maps Kubernetes Services and endpoints to the etcd keys of the vulcand reverse proxy.
//!
//! Services and endpoints go in, and so do the keys that a store holds. Out come the writes that
//! are missing, in an order in which vulcand loses no request, and diagnostics: what is wrong with
//! an annotation, where, and the way out.
//!
//! - [`world::World`] is the engine: tell it changes, ask it for a plan. One changed Service costs
//!   what that Service costs, whatever the size of the cluster.
//! - [`map::Blueprint`] is one Service by itself: what its annotations ask for.
//! - [`vulcand`] judges values and routes exactly as a running vulcand does, and answers which
//!   frontend takes a request.
//! - [`plan`] is what to write: groups of guarded transactions. [`stored`] is what is there.
//! - [`diagnostic`] is what to say.
//!
//! ```
//! use romulus_core::config::Config;
//! use romulus_core::map::Blueprint;
//! use romulus_core::vulcand::route::{Request, Route, RouteTable};
//!
//! // What would this Service make of its annotations?
//! let service = serde_json::from_str(
//!     r#"{"metadata": {"name": "web", "annotations": {"romulus/hsot": "www.example.com"}},
//!         "spec": {"ports": [{"port": 80}]}}"#,
//! )?;
//! let blueprint = Blueprint::of(&service, &Config::new("vulcand".parse()?));
//! let said: Vec<_> = blueprint.diagnostics.iter().map(|d| d.code.as_str()).collect();
//! assert!(said.contains(&"unknown-option"));
//!
//! // Which frontend would answer this request?
//! let route = |text: &str| text.parse::<Route>();
//! let table = RouteTable::new([
//!     ("site", route("Host(`www.example.com`)")?),
//!     ("api", route("Host(`www.example.com`) && Path(`/api`)")?),
//! ]);
//! assert_eq!(table.winner(&Request::new("GET", "www.example.com", "/api")), Some(&"api"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Deliberately absent: a clock, the environment, network, files, logs, metrics and async. The
//! same input gives the same bytes. `romulus-etcd` carries plans out, `romulus-kube` reads
//! clusters and manifests.
pub mod annotation;
pub mod cluster;
pub mod config;
pub mod diagnostic;
pub mod key;
pub mod map;
pub mod plan;
pub mod secret;
pub mod selector;
pub mod stored;
#[cfg(feature = "testing")]
pub mod testing;
pub mod vulcand;
pub mod world;
