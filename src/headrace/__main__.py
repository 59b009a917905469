"""`python -m headrace` is the command line."""

from headrace.cli.entry import main

main()
