"""The bodies of the steps. They are loaded when they run, so that a run with nothing to do loads no engine."""
