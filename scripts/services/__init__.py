"""Real servers for tests and the demo: Postgres and an S3-protocol store, on loopback, in temporary folders, gone with whoever asked."""
