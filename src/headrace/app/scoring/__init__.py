"""Stream scoring: rows of a spine are questions, and the answers are in the log and the declared tables exactly once."""
