"""Learning by event: learners that take one row after the other, and are asked about a row before they learn its answer."""
