"""History replayed through all three executions, side by side."""
