//! What breaks around the gateway: providers, clients, disks, and the process itself.

mod bodies;
#[cfg(target_os = "linux")]
mod clock;
mod connections;
mod disk;
mod providers;
mod restarts;
