"""A table larger than the memory that is allowed: ingested, made into features and scored, against pandas and Polars."""
