"""Features of tables that are followed row by row: state kept by key, exact rows, and the questions it answers."""
