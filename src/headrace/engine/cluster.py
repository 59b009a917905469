"""An executor on Ray: each part is a core task.

Only names of functions, msgspec values and small results go through Ray; what is large waits where the parts say. Ray begins a task anew
whose worker was killed, and not one that raised. A fault that may pass is met inside the task, as the schedule meets it here.
"""

import atexit
import logging
import os
import platform
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from itertools import islice
from typing import Any

import ray
from ray._private import worker as ray_worker
from ray.exceptions import RayError, RayTaskError
from ray.util.client import ray as client

from headrace.core.allocation import reuse_freed_memory
from headrace.core.errors import HeadraceError
from headrace.engine.cluster_head import HeadWatch, knock
from headrace.engine.errors import ClusterFault, ClusterUnreachable, WorkersDiffer
from headrace.engine.executor import Part, Result, unheard
from headrace.engine.opening import RAY
from headrace.engine.patience import Patience

_AHEAD = 4
"""How many parts a slot has waiting: one that takes long is not waited for by the others at once."""
_HEAR_SECONDS = 0.1
_KNOCK_SECONDS = 10
_WORKERS_LOST = 3
"""How many times a part is done anew whose worker was killed."""
_STORE_BYTES = 100 << 20
_PARTS_THAT_COUNT = ("headrace", "polars", "numpy", "scipy", "lightgbm", "pyarrow")
_connecting = threading.Lock()


class Cluster:
    """The Ray cluster at an address. To be made by the main thread, once a process; used from any.

    `address` is `ray` for the cluster that Ray's own `RAY_ADDRESS` names, or else one that is started here and ends with this process; or
    what Ray takes: `host:port` of its head for a machine that is part of it, `ray://host:port` for one that is not.

    Raises:
        ClusterUnreachable: if nobody answers there, or not to us.
    """

    def __init__(self, address: str) -> None:
        _connect(address)
        self._lock = threading.Lock()
        self._cpu_seconds = 0.0
        self._task = ray.remote(_carry_out).options(max_retries=_WORKERS_LOST, retry_exceptions=False)

    @property
    def slots(self) -> int:
        """See `Executor.slots`: the CPUs that the cluster has now."""
        with _told():
            return max(1, int(ray.cluster_resources().get("CPU", 1)))  # type: ignore[no-untyped-call]  # Ray has no types for it

    @property
    def cpu_seconds(self) -> float:
        """See `Executor.cpu_seconds`."""
        with self._lock:
            return self._cpu_seconds

    def each(self, work: Callable[[Part], Result], parts: Iterable[Part], heard: Callable[[], object] = unheard) -> Iterator[Result]:
        """See `Executor.each`.

        Raises:
            ClusterFault: if the cluster cannot be used, or a part took several workers with it.
            WorkersDiffer: if its workers have other versions, with which results might differ.
        """
        left, running, head = iter(parts), deque[Any](), HeadWatch(_head())
        most = self.slots * _AHEAD
        try:
            while True:
                for part in islice(left, most - len(running)):
                    running.append(self._begun(work, part))
                if not running:
                    return
                if _has_ended(running[0]):
                    yield self._result(running.popleft())
                head.look()
                heard()
        finally:
            _end_tasks(running)

    def _begun(self, work: Callable[[Part], Result], part: Part) -> Any:
        with _told():
            return self._task.remote(work, part, _versions())

    def _result(self, task: Any) -> Any:
        try:
            with _told():
                result, cpu_seconds = ray.get(task)
        except RayTaskError as error:
            cause = error.cause
            # As if it had been raised here: Ray's words, a stack trace among them, are no use to the user.
            raise (cause.again() if isinstance(cause, _Raised) else cause) from None
        with self._lock:
            self._cpu_seconds += cpu_seconds
        return result


@contextmanager
def _told() -> Iterator[None]:
    """Say of an error of Ray's own what it means. A client of `ray://` says of a connection that it lost `ConnectionError`."""
    try:
        yield
    except RayTaskError:  # the work's
        raise
    except (RayError, ConnectionError) as error:
        raise ClusterFault(error) from None


def _has_ended(task: Any) -> bool:
    """Wait a moment for a task."""
    with _told():
        return bool(ray.wait([task], timeout=_HEAR_SECONDS)[0])


def _end_tasks(tasks: Iterable[Any]) -> None:
    """End tasks that nobody waits for any more. Of a cluster that cannot hear it the reason for leaving is told, and not this."""
    with suppress(RayError, ConnectionError):
        for task in tasks:
            ray.cancel(task, force=True)


class _Raised(Exception):
    """Carries through Ray what it cannot send as it is, or would take for the end of the worker: the name of its class, and its words."""

    def __init__(self, name: str, words: str, parent: str) -> None:
        super().__init__(name, words, parent)

    def again(self) -> BaseException:
        """Return the same, as near as can be here."""
        name, words, parent = self.args
        bases: dict[str, type[BaseException]] = {each.__name__: each for each in (Exception, BaseException, SystemExit, KeyboardInterrupt)}
        kind: type[BaseException] = bases.get(name) or type(name, (bases[parent],), {})
        return kind(words)


def _carry_out(work: Callable[[Any], Any], part: Any, versions: tuple[str, ...]) -> tuple[Any, float]:
    """Do a part, in a worker; return what it gave and the CPU time that it took."""
    ours = _versions()
    if ours != versions:
        raise WorkersDiffer(platform.node(), versions, ours)
    reuse_freed_memory()
    started = time.process_time()
    try:
        result = Patience().try_again(lambda: work(part), time.sleep)
    except HeadraceError:
        raise
    except Exception as error:  # whatever it is: the driver may lack the class, and is told its name and words
        if type(error).__module__ == "builtins":
            raise
        raise _Raised(type(error).__name__, str(error), "Exception") from None
    except BaseException as error:  # noqa: BLE001 - a panic, or what ends a process, is the part's end and not the worker's
        raise _Raised(type(error).__name__, str(error), "BaseException") from None
    return result, time.process_time() - started


@cache
def _versions() -> tuple[str, ...]:
    """What decides results beside the description. To look them up takes milliseconds."""
    return (f"Python {platform.python_version()}", platform.machine(), *(f"{name} {version(name)}" for name in _PARTS_THAT_COUNT))


def _connect(address: str) -> None:
    with _connecting:
        if ray.is_initialized():
            return
        # Of workers that were killed it tells on stdout, which is for results; what comes of it, we tell.
        ray_worker.print_to_stdstream = _unsaid
        # As many as here, where Ray would have one: matrix products are added up in another order by another number of threads.
        threads = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(os.cpu_count()))}
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL, "runtime_env": {"env_vars": threads}}
        try:
            if address == RAY:
                _join_or_start(options)
            else:
                knock(address.rpartition("://")[2], _KNOCK_SECONDS)
                ray.init(address=address, **options)
        except (RayError, ConnectionError, RuntimeError, ValueError, ImportError, OSError) as error:
            raise ClusterUnreachable(address, error) from None


def _head() -> str:
    """Return where the head of the cluster is that this process has joined. A client of `ray://` is told by its connection instead."""
    of_client = client.is_connected()  # type: ignore[no-untyped-call]  # Ray has no types for it
    return "" if of_client else str(ray.get_runtime_context().gcs_address)


def _unsaid(*_: object, **__: object) -> None:
    """Say nothing."""


def _join_or_start(options: dict[str, Any]) -> None:
    if "RAY_ADDRESS" in os.environ:
        ray.init(**options)
        return
    folder = tempfile.mkdtemp(prefix="headrace-ray-")
    atexit.register(_end, folder)
    ray.init(address="local", include_dashboard=False, object_store_memory=_STORE_BYTES, _temp_dir=folder, **options)


def _end(folder: str) -> None:
    """End the cluster that this process started, and remove what it left."""
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)  # Ray's processes, which write to it, take a moment to end
