"""Where online state is kept: one contract, an embedded store and Redis."""
