"""Real servers for tests and the demo: Postgres, Redis, an S3-protocol store and a broker of Kafka's protocol.

They are on loopback, in temporary folders, and gone with whoever asked.
"""
