"""What each contract demands, as suites that every implementation runs. For tests only; nothing of Headrace imports it."""
