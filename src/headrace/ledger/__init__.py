"""The ledger: what happened. One relational schema, its queries and migrations; every change is in a hash-chained audit.

`store.Ledger` opens it; the other modules are plain functions that take the session it gives.
"""
