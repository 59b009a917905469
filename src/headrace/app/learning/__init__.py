"""Learning inside `headrace stream`: rows are questions, then lessons, and what was learnt becomes versions of the model."""
