"""The command line: a thin face over `headrace.app`."""
