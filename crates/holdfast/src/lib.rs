//! One binary: all services in one process, and the operator's commands.
