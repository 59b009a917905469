"""Where a process starts: signals are heard before anything heavy is loaded."""

import threading

from headrace.cli.loading import undisturbed
from headrace.cli.stopping import Stop, leave


def main() -> None:
    """Run the command line as a process of its own."""
    stop = Stop()
    try:
        # Loading takes a while, in which Ctrl-C may come too.
        with undisturbed():
            from headrace.cli.main import main as run

        run()
    except KeyboardInterrupt:
        stop.leave()
    except SystemExit as end:
        if stop.code is not None:
            stop.leave()
        if any(thread.name.startswith("step ") for thread in threading.enumerate()):
            leave(int(end.code or 0))  # a step that was given up still computes, and nobody can end it
        raise
