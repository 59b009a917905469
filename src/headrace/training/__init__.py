"""Training: splits, candidates, tuning, thresholds, evaluation, choice. Pure of the ledger and of storage."""
