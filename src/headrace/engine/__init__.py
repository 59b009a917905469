"""Steps, memo, progress, retries, durable runs. Knows no domain; others observe its steps."""
