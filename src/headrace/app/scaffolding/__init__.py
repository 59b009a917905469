"""Writing a first description from a table: what `headrace init` does."""
