"""What `headrace doctor` looks at, one module a place: the home, the records, the lake, and what is served from them."""
