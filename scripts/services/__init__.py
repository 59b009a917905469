"""Real servers for tests and the demo: Postgres, Redis, an S3-protocol store; on loopback, in temporary folders, gone with who asked."""
