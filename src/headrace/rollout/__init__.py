"""Promotion: gates. Pure of the ledger and of every store."""
