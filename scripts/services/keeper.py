"""Runs a server for whoever asked for it, and ends it with them, however they end.

Started by `process.Server` as `python keeper.py FOLDER SIGNAL [LEAVINGS...]`. It reads orders from its standard input, one JSON value a
line: `{"start": [COMMAND...], "user": NAME}`, answered with the server's process id; `{"stop": SIGNAL}`, answered with its exit code;
`{"poll": true}`, answered with that or, while it lives, with -1000. The other end of the pipe is held by the asker alone and is closed by
the system even when the asker is killed: then the server is ended by that signal to its process id, and the folder and what else it
leaves lying about are removed.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

_PATIENCE_SECONDS = 20
LIVES = -1000
"""What is answered in place of an exit code."""


def main(folder: Path, end_signal: str, leavings: list[Path]) -> None:
    for heard in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(heard, signal.SIG_IGN)  # only the pipe ends it: Ctrl-C reaches the asker, who may still have things to do
    server = None
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            server = _start(order["start"], order["user"], folder)
            print(server.pid, flush=True)
        elif server is not None:
            ended = _stop(server, order["stop"]) if "stop" in order else server.poll()
            print(LIVES if ended is None else ended, flush=True)
    if server is not None:
        _stop(server, end_signal)
    shutil.rmtree(folder, ignore_errors=True)
    for each in leavings:
        each.unlink(missing_ok=True)


def _start(command: list[str], user: str, folder: Path) -> "subprocess.Popen[bytes]":
    who: dict[str, Any] = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, start_new_session=True, **who)


def _stop(server: "subprocess.Popen[bytes]", signal_name: str) -> int:
    server.send_signal(signal.Signals[signal_name])
    try:
        return server.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        return server.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], [Path(each) for each in sys.argv[3:]])
