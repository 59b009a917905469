"""The entry point: options, the error boundary and exit codes.

Exit codes, each with whose fault it is and what to do:

    0    nobody's: it is done
    1    the description, the data or the call: read the message, mend what it names, and run again
    2    the way the command was written: see its --help
    3    the machine, a store or a network: see that it works again, then run again; `headrace doctor` tells what is wrong
    4    Headrace's own, a defect: report it with the file that the message names
    130  interrupted by Ctrl-C, within a second: run again to go on
    143  ended by SIGTERM, within a second: run again to go on
"""

import sys
import traceback
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

import headrace
from headrace.cli import asking, building, following, keeping, looking, verifying
from headrace.cli.options import without_secrets
from headrace.cli.stopping import INTERRUPTED, tell
from headrace.core.errors import HeadraceError, SystemFault
from headrace.core.storage import named_fault

app = typer.Typer(
    name="headrace",
    help="The whole machine-learning project as one system.\n\n"
    "Start with: headrace init data.csv --target COLUMN --output FOLDER, then headrace run in that folder.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"headrace {headrace.__version__}")
        raise typer.Exit


VersionOption = Annotated[bool, typer.Option("--version", help="Print the version and leave.", callback=_print_version, is_eager=True)]


@app.callback()
def _headrace(version: VersionOption = False) -> None:
    pass


building.register(app)
looking.register(app)
asking.register(app)
following.register(app)
keeping.register(app)
verifying.register(app)

USER_FAULT, SYSTEM_FAULT, DEFECT = 1, 3, 4


def main() -> None:
    """Run the command line and leave with one of the documented exit codes."""
    try:
        app(standalone_mode=True)
    except SystemExit as end:  # Typer makes this of Ctrl-C, and of a reader who has left
        if end.code == INTERRUPTED:
            tell()
        if isinstance(end.__context__, BrokenPipeError):  # the reader has seen enough, as head has: no fault of anybody's
            sys.exit(0)
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  the outermost boundary, for panics of Rust libraries too: a person is shown one line, and the trace is kept for whoever mends the defect
        fault = named_fault(error) if isinstance(error, Exception) else error
        words = str(fault) if isinstance(fault, HeadraceError) else f"{type(fault).__name__}: {fault}"
        print(f"error: {without_secrets(words)}", file=sys.stderr)
        # A failed step carries the error that says whose fault it was.
        sys.exit(_code_of(getattr(fault, "cause", fault)))


def _code_of(fault: BaseException) -> int:
    """Return the exit code of an error; what nobody raised on purpose is a defect, whose trace is kept."""
    if isinstance(fault, SystemFault):
        return SYSTEM_FAULT
    if isinstance(fault, HeadraceError):
        return USER_FAULT
    with NamedTemporaryFile("w", prefix="headrace-defect-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(without_secrets("".join(traceback.format_exception(fault))))
    print(f"  This is a defect of Headrace. The trace is in {file.name}; please report it.", file=sys.stderr)
    return DEFECT
