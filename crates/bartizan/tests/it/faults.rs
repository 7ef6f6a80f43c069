//! What breaks around the gateway: providers, clients, disks, and the process itself.

mod bodies;
mod connections;
mod disk;
mod providers;
mod restarts;
