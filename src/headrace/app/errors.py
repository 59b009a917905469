"""Errors of the wiring.

UserError
└── AppError
    ├── ProjectNotFound     there is no project.py where one was looked for
    ├── ProjectNotLoadable  project.py raised, or declares no project
    ├── SettingInvalid      a setting has a value that cannot be used
    ├── SettingsUnreadable  headrace.toml is no TOML
    ├── SecretInFile        a password or key stands in headrace.toml as such
    ├── RunInProgress       another process runs the project now
    ├── LakeShared          another ledger uses the lake, too: what it needs is not known here
    ├── BytesFreed          what is asked for was freed by a retention rule
    ├── NotConfirmed        something is to be freed, and nobody is there to be asked
    ├── NotLanded           a source that is asked never was, and is not to be asked now
    ├── NotStreamed         a run needs a table into which nothing was streamed yet
    ├── NothingLogged       a run learns from what was served, and no prediction is logged yet
    ├── TooFewServed        a run learns from what was served, and too few predictions can be learned from
    ├── NotFilled           a server needs online state that no stream has filled
    ├── StreamedColumnsMoved  a streamed table has other columns than the description makes now
    ├── NotAStream          a table that is to be streamed holds rows that were not
    ├── NothingToStream     no table of the project, or none of that name, has a source that is followed
    ├── PortNotFree         metrics cannot be served at the port
    ├── SourceMoved         a file changed after the run began
    ├── UnknownPrediction   no log holds the prediction
    ├── UnknownGrouping     costs are not grouped that way
    ├── NothingToApprove    no version of a model waits for approval
    ├── NothingToVerify     a table that features need was never brought in
    ├── NoTimeBetween       the second of two moments is not after the first
    └── NothingToServe      a model has no champion yet
SystemFault
├── StreamedRowsLost    the lake lacks rows of a stream that it had
├── StateAway           the online state was away when a worker was told to stop
├── HomeUnusable        the folder of everything Headrace keeps cannot be written
└── StorageFault
    └── LogNotWritable  a server could not log its predictions
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from headrace.core.errors import SystemFault, UserError, suggest
from headrace.core.locations import Location
from headrace.core.storage import StorageFault


class AppError(UserError):
    """A request that cannot be carried out as things stand."""


class ProjectNotFound(AppError):
    """There is no project.py where one was looked for."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"there is no project file {path}.",
            remedy="Go to the folder of a project.py, name one with --project, or write one:"
            " headrace init data.csv --target COLUMN --output FOLDER",
        )


class ProjectNotLoadable(AppError):
    """project.py raised, or declares no project."""

    def __init__(self, problem: str, remedy: str, location: Location | None) -> None:
        super().__init__(problem, remedy=remedy, location=location)


class SettingInvalid(AppError):
    """A setting has a value that cannot be used."""

    def __init__(self, name: str, value: object, origin: str, expected: str) -> None:
        super().__init__(f"the setting {name} cannot be {value!r} (from {origin}).", remedy=f"Expected {expected.rstrip('.')}.")


class SettingsUnreadable(AppError):
    """headrace.toml is no TOML."""

    def __init__(self, path: str, why: object) -> None:
        super().__init__(f"{path} cannot be read as TOML: {why}.", remedy='Correct that line: a setting is written as workers = "4".')


class SecretInFile(AppError):
    """A password or key stands in headrace.toml as such."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(
            f"the setting {name} in {path} holds a password or key as such.",
            remedy="Write a placeholder such as ${NAME} in its place, and set the environment variable NAME,"
            " or NAME_FILE to the path of a file that holds it. Change the secret, if others could read that file.",
        )


class HomeUnusable(SystemFault):
    """The folder of everything Headrace keeps cannot be written."""

    passing = False

    def __init__(self, home: str, why: object) -> None:
        super().__init__(f"the home {home} cannot be used: {why}.", remedy="Name a folder that may be written: --home or HEADRACE_HOME.")
        self.place = home


class NothingToServe(AppError):
    """A model has no champion yet."""

    def __init__(self, model: str, state: str | None) -> None:
        remedy = {
            None: "Train one first: headrace run",
            "awaiting_approval": f"It waits for approval: headrace approve {model} --comment 'why'",
            "rejected": f"Its newest version did not pass its gates: headrace show {model}",
        }.get(state, f"See headrace show {model}")
        super().__init__(f"model {model!r} has no champion to serve.", remedy=remedy)


class NothingToVerify(AppError):
    """A table that features need was never brought in."""

    def __init__(self, model: str, table: str) -> None:
        super().__init__(
            f"model {model!r} needs the table {table!r}, of which no version is recorded: there is no history to replay.",
            remedy="Bring it in first: headrace run, or headrace stream for a table that is streamed.",
        )


class NoTimeBetween(AppError):
    """The second of two moments is not after the first."""

    def __init__(self, since: datetime, until: datetime) -> None:
        super().__init__(
            f"no time lies between {since:%Y-%m-%d %H:%M:%S} and {until:%Y-%m-%d %H:%M:%S} UTC, so nothing could be compared.",
            remedy="Give --until a moment after that of --since.",
        )


class RunInProgress(AppError):
    """Another process runs the project now."""

    def __init__(self, project: str) -> None:
        super().__init__(
            f"another process is running the project {project!r} with this ledger.",
            remedy="Wait until it has ended (headrace runs tells), or use another ledger or --home.",
        )


class LakeShared(AppError):
    """Another ledger uses the lake, too: what it needs is not known here."""

    def __init__(self, lake: str, others: int) -> None:
        them = "another ledger uses" if others == 1 else f"{others} other ledgers use"
        super().__init__(
            f"{them} the lake {lake}, too, and what they need is not known here: nothing was freed.",
            remedy="Give each ledger a lake of its own. Of a ledger that is no more, remove the file in the lake's folder lake/.ledgers.",
        )


class BytesFreed(AppError):
    """What is asked for was freed by a retention rule."""

    def __init__(self, what: str, freed: datetime, rule: str, remedy: str) -> None:
        super().__init__(f"{what} freed at {freed:%Y-%m-%d %H:%M} UTC by the retention rule {rule}.", remedy=remedy)


class NotConfirmed(AppError):
    """Something is to be freed, and nobody is there to be asked."""

    def __init__(self) -> None:
        super().__init__("nothing was freed: nobody is there to be asked.", remedy="Say --yes to free it, or --dry-run to only see it.")


class NotLanded(AppError):
    """A source that is asked never was, and is not to be asked now."""

    def __init__(self, table: str, place: str, location: Location | None) -> None:
        super().__init__(f"nothing was landed yet for table {table!r} from {place}.", remedy="Ask it once: headrace run", location=location)


class NotStreamed(AppError):
    """A run needs a table into which nothing was streamed yet."""

    def __init__(self, table: str, location: Location | None) -> None:
        super().__init__(
            f"nothing was streamed into the table {table!r} yet.",
            remedy="Let it be filled first, and run then: headrace stream --until-idle 10s",
            location=location,
        )


class NothingLogged(AppError):
    """A run learns from what was served, and no prediction is logged yet."""

    def __init__(self, model: str, location: Location | None) -> None:
        super().__init__(
            f"model {model!r} learns from what was served (from_log=True), and no prediction is logged yet.",
            remedy="Take from_log=True away, train from history and serve that: headrace run, headrace serve."
            " Declare it again when predictions have their answers.",
            location=location,
        )


class TooFewServed(AppError):
    """A run learns from what was served, and too few predictions can be learned from."""

    def __init__(self, model: str, problem: str, taken: str, location: Location | None) -> None:
        super().__init__(
            f"model {model!r} learns from what was served (from_log=True), and that is too little: {problem.rstrip('.')}. Taken: {taken}.",
            remedy="Serve on until more predictions have their answers, and train from history meanwhile: take from_log=True away.",
            location=location,
        )


class StreamedColumnsMoved(AppError):
    """A streamed table has other columns than the description makes now."""

    def __init__(self, table: str, had: Mapping[str, str], makes: Mapping[str, str], location: Location | None) -> None:
        new = [f"{name!r} ({kind}) is new" for name, kind in makes.items() if name not in had]
        gone = [f"{name!r} is gone" for name in had if name not in makes]
        other = [f"{name!r} was {had[name]} and is {kind}" for name, kind in makes.items() if had.get(name, kind) != kind]
        super().__init__(
            f"the streamed table {table!r} has other columns than the description makes now: {', '.join(new + gone + other)}.",
            remedy="A streamed table's columns stay. Take the change back and make new ones where they are used, in the features or by"
            " hr.Derived; or give the table another name, under which it begins anew. No row was taken.",
            location=location,
        )


class NotFilled(AppError):
    """A server needs online state that no stream has filled."""

    def __init__(self, version: str, table: str, location: Location | None) -> None:
        super().__init__(
            f"{version} looks into the streamed table {table!r}, of which the online state does not hold all rows that it needs.",
            remedy="Let it be filled, and serve then: headrace stream. It may go on while you serve.",
            location=location,
        )


class NotAStream(AppError):
    """A table that is to be streamed holds rows that were not."""

    def __init__(self, table: str, location: Location | None) -> None:
        super().__init__(
            f"the table {table!r} holds rows that were not streamed, and streamed ones cannot be told from them.",
            remedy="Give the streamed table another name; one hr.Derived table can put the rows of both together.",
            location=location,
        )


class NothingToStream(AppError):
    """No table of the project, or none of that name, has a source that is followed."""

    def __init__(self, wanted: str | None, streamed: Iterable[str]) -> None:
        if wanted is None:
            super().__init__(
                "no table of the project has a source that is followed.",
                remedy="Declare one: hr.Kafka(...) or hr.Replay(...). A table is followed if a model's features read it.",
            )
        else:
            super().__init__(f"no table {wanted!r} is streamed.", remedy=suggest(wanted, streamed))


class PortNotFree(AppError):
    """Metrics cannot be served at the port."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"metrics cannot be served at {host}:{port}: {reason.rstrip('.')}.",
            remedy="Choose another with --metrics-port; 0 takes a free one.",
        )


class StateAway(SystemFault):
    """The online state was away when a worker was told to stop."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"what came last is not kept, and comes again the next time: {reason}", remedy=remedy)


class StreamedRowsLost(SystemFault):
    """The lake lacks rows of a stream that it had."""

    passing = False

    def __init__(self, table: str, place: str, flushed: int, found: int | None) -> None:
        has = "has none" if found is None else f"has them until offset {found:,}"
        super().__init__(
            f"the lake had rows of the stream of table {table!r} until offset {flushed:,} of a partition, and {place} {has} now.",
            remedy="Restore the table from a backup. To stream everything again from what the source still has,"
            " remove what is left of the table, and the online state (headrace settings: state).",
        )
        self.place = place


class SourceMoved(AppError):
    """A file changed after the run began."""

    def __init__(self, table: str, location: Location | None) -> None:
        super().__init__(
            f"the source of table {table!r} changed while the run was at work; nothing of it was written.",
            remedy="Run again, when whoever writes it is done.",
            location=location,
        )


class UnknownPrediction(AppError):
    """No log holds the prediction."""

    def __init__(self, prediction_id: str, why: str) -> None:
        super().__init__(
            f"there is no prediction {prediction_id!r}: {why}.",
            remedy="Copy the whole id from the answer; predictions are logged within seconds of the answer.",
        )


class UnknownGrouping(AppError):
    """Costs are not grouped that way."""

    def __init__(self, by: str, choices: Iterable[str]) -> None:
        super().__init__(f"costs are not grouped by {by!r}.", remedy=suggest(by, choices))


class NothingToApprove(AppError):
    """No version of a model waits for approval."""

    def __init__(self, model: str, state: str | None) -> None:
        found = f"its newest version is {state.replace('_', ' ')}" if state else "it has no version yet"
        super().__init__(f"no version of {model!r} waits for approval: {found}.", remedy="See what waits: headrace status")


class LogNotWritable(StorageFault):
    """A server could not log its predictions, and every prediction is logged."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"nothing is served, as no prediction could be logged: {reason}", remedy=remedy)
