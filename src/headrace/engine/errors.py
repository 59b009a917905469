"""Errors of the engine.

HeadraceError
├── StepFailed             a step failed: whose fault it was, the class of the cause says
├── UserError
│   ├── DbosNotInstalled   a run is to be kept in a shared store, and what keeps it there is not installed
│   ├── GraphError         the steps do not make a graph: a cycle, a name twice
│   │   └── UnknownInput   a step names an input that is no step
│   ├── InvalidOutput      a step gave something that is not a mapping of JSON values
│   ├── RayNotInstalled    work is to be done by a Ray cluster, and Ray is not installed
│   ├── StepExited         a step tried to end the process
│   └── WorkersDiffer      the workers of a cluster have other versions than we
└── SystemFault
    ├── ClusterFault       a cluster failed while it worked
    ├── ClusterUnreachable no cluster answers, or not to us
    ├── DurableStoreFault  the store of durable runs cannot be used
    ├── RecordedFailure    a step failed before the run was interrupted; only its words are left
    ├── StepPanicked       a library that a step called met a defect of its own
    ├── StepTimedOut       a step took longer than it may
    └── WorkflowTaken      another process goes on with the run by now
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from headrace.core.errors import HeadraceError, SystemFault, UserError, suggest
from headrace.core.units import format_duration


class GraphError(UserError):
    """The steps do not make a graph."""


class UnknownInput(GraphError):
    """A step names an input that is no step."""

    def __init__(self, step: str, name: str, choices: Iterable[str]) -> None:
        super().__init__(f"step {step!r} takes {name!r}, which is no step.", remedy=suggest(name, choices))


class InvalidOutput(UserError):
    """A step gave something that is not a mapping of JSON values."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(
            f"step {step!r} gave an output that cannot be kept: {why}.",
            remedy="Return a dict of texts, finite numbers, booleans, None, lists and dicts with texts for keys.",
        )


class StepExited(UserError):
    """A step tried to end the process."""

    def __init__(self, step: str, reason: BaseException) -> None:
        super().__init__(
            f"step {step!r} tried to end the process: {type(reason).__name__}({reason}).", remedy="Raise an ordinary error instead."
        )


class DbosNotInstalled(UserError):
    """A run is to be kept in a shared store, and what keeps it there is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "a run on a shared ledger needs the package 'dbos', which is not installed.",
            remedy="Install it: pip install 'headrace[postgres]'.",
        )


class RayNotInstalled(UserError):
    """Work is to be done by a Ray cluster, and Ray is not installed."""

    def __init__(self, engine: str) -> None:
        super().__init__(
            f"the engine {engine!r} needs the package 'ray', which is not installed.",
            remedy="Install it: pip install 'headrace[ray]'. Or leave the work here: engine = \"local\".",
        )


class WorkersDiffer(UserError):
    """The workers of a cluster have other versions than we."""

    def __init__(self, machine: str, ours: Iterable[str], theirs: Iterable[str]) -> None:
        pairs = [f"{there}, here {here}" for here, there in zip(ours, theirs, strict=True) if here != there]
        super().__init__(
            f"a worker on {machine} has {'; '.join(pairs)}: its results might differ.",
            remedy="Install the same versions on every machine of the cluster: from one lock file, or one image.",
        )


class ClusterUnreachable(SystemFault):
    """No cluster answers, or not to us."""

    passing = False

    def __init__(self, address: str, why: object) -> None:
        told = (str(why).strip().splitlines() or [type(why).__name__])[0]
        super().__init__(
            f"the Ray cluster {address!r} cannot be used: {told}",
            remedy="Check that it runs there (ray status), and that RAY_AUTH_MODE and RAY_AUTH_TOKEN are those that it was started with."
            " A machine that is not part of it connects by ray://host:10001, which needs: pip install 'ray[client]'.",
        )


class ClusterFault(SystemFault):
    """A cluster failed while it worked."""

    def __init__(self, why: object) -> None:
        told = (str(why).strip().splitlines() or [type(why).__name__])[0]
        super().__init__(
            f"the Ray cluster failed: {type(why).__name__}: {told}",
            remedy="Look at `ray status` and the cluster's logs; workers that are killed again and again often lack memory."
            " What was finished is kept: run again to go on.",
        )


class DurableStoreFault(SystemFault):
    """The store of durable runs cannot be used."""

    def __init__(self, store: str, why: object) -> None:
        super().__init__(
            f"the store of durable runs {store} cannot be used: {why}",
            remedy="Check that its folder or server exists and may be written to.",
        )
        self.place = store


class RecordedFailure(SystemFault):
    """A step failed before the run was interrupted; only its words are left."""

    passing = False

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(f"{words} ({kind}, recorded before the run was interrupted)", remedy="Run again to try it anew.")


class StepPanicked(SystemFault):
    """A library that a step called met a defect of its own."""

    passing = False

    def __init__(self, step: str, reason: BaseException) -> None:
        super().__init__(
            f"step {step!r} met a defect in a library: {type(reason).__name__}({reason}).",
            remedy="Another version of the library may not have it; else say the same in another way, and report it to its authors.",
        )


class StepTimedOut(SystemFault):
    """A step took longer than it may."""

    passing = False

    def __init__(self, step: str, limit: timedelta) -> None:
        told = format_duration(limit)
        super().__init__(
            f"step {step!r} took longer than {told}, the limit on a step, and was given up.",
            remedy="What was done before it is kept: run again to go on. Allow more with step_timeout in headrace.toml or"
            " HEADRACE_STEP_TIMEOUT, such as '48h', or 'none'.",
        )


class WorkflowTaken(SystemFault):
    """Another process goes on with the run by now."""

    passing = False

    def __init__(self, step: str) -> None:
        super().__init__(
            f"step {step!r} was done, but another process goes on with its run by now, and does it there.",
            remedy="Wait until that one has ended (headrace runs tells).",
        )


class StepFailed(HeadraceError):
    """One step or more failed.

    `step` is the first of them in the graph's order, `cause` its error; `failures` has every one by step, `skipped` the steps that
    did not run because they needed one.
    """

    def __init__(self, failures: Mapping[str, Exception], skipped: tuple[str, ...]) -> None:
        step, cause = next(iter(failures.items()))
        told = str(cause) if isinstance(cause, HeadraceError) else f"{type(cause).__name__}: {cause}"
        others = f"Failed too: {', '.join(list(failures)[1:])}. " if len(failures) > 1 else ""
        behind = f"Not run, because they need it: {', '.join(skipped)}." if skipped else ""
        super().__init__(f"step {step!r} failed: {told}", remedy=(others + behind).strip())
        self.step = step
        self.cause = cause
        self.failures = dict(failures)
        self.skipped = skipped
