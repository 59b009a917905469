"""A graph's execution by one process alone, with no record but the memo.

A step that ended is in the memo, which the schedule writes before anybody hears of the end. A step that was killed, even between its end
and that write, runs again when the run goes on, and gives the same: its writes are content-addressed, or versions of a table. That no
other process goes on with the run meanwhile is the caller's to see to.
"""

import threading

from headrace.engine.schedule import Schedule

_POLL_SECONDS = 0.05
_LAST_WRITE_SECONDS = 0.3


def run_here(schedule: Schedule) -> None:
    """Run what is left of a schedule.

    Raises:
        BaseException: what an observer raised.
        KeyboardInterrupt: after the schedule was told to stop.
    """
    execution = _Execution(schedule)
    # Ctrl-C is raised in the caller's thread. It is to meet a wait there, and not what writes down a step's end.
    thread = threading.Thread(target=execution.body, name="run", daemon=True)
    try:
        thread.start()
        # A wait without end is not woken by Ctrl-C when the system gives the signal to another thread.
        while thread.is_alive():
            thread.join(_POLL_SECONDS)
    except KeyboardInterrupt:
        schedule.stop()
        if thread.is_alive():  # the key may have been quicker than its start
            thread.join(_LAST_WRITE_SECONDS)
        raise
    if execution.error is not None:
        raise execution.error


class _Execution:
    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.error: BaseException | None = None

    def body(self) -> None:
        try:
            self._schedule.run()
        except BaseException as raised:  # noqa: BLE001 - whatever it was, whoever waits raises it
            self.error = raised
