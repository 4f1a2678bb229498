//! Against a real `redis-server` that each test starts for itself.
