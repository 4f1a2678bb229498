//! Configuration: settings and the directory, read and validated as one snapshot.
