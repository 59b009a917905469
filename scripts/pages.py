"""Pages with generated parts, and consoles in them that are run for real.

A generated part stands between `<!-- generated:NAME key=value ... -->` and `<!-- end -->`. A part called `console` is a fenced block of
commands, each on a line that starts with `$ ` and goes on over lines that start with `> `; everything else in it is what they printed,
and is written anew.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PART = re.compile(r"<!-- generated:(?P<name>[a-z-]+)(?P<options>(?: [a-z]+(?:=[\w./-]+)?)*) -->\n(?P<body>.*?)<!-- end -->", re.DOTALL)
_MARKER = re.compile(r"<!-- (generated:.*?|end) -->")
_PREDICTION = re.compile(r"prd_[0-9a-z]{10,}")
_URL = re.compile(r"http://[\w.:]+")
_PORT = "8080"
_DONE = "command-done"


@dataclass(frozen=True)
class Part:
    """A generated part of a page. An option without a value has the value of its name."""

    name: str
    options: Mapping[str, str]
    body: str


class MalformedPage(Exception):
    """Markers that do not pair."""


def parts(text: str) -> list[Part]:
    """Return the generated parts of a page, in order.

    Raises:
        MalformedPage: if a marker is not closed, not opened, or not of the form.
    """
    found = [_part(match) for match in _PART.finditer(text)]
    if len(_MARKER.findall(text)) != 2 * len(found):
        raise MalformedPage("every <!-- generated:NAME --> needs its <!-- end -->, and neither stands alone")
    return found


def rewrite(text: str, write: Callable[[Part], str | None]) -> str:
    """Return the page with each part's body replaced by what `write` returns for it; None leaves it as it is."""
    parts(text)

    def replaced(match: re.Match[str]) -> str:
        body = write(_part(match))
        if body is None:
            return match.group()
        return f"<!-- generated:{match['name']}{match['options']} -->\n{body.strip(chr(10))}\n<!-- end -->"

    return _PART.sub(replaced, text)


def _part(match: re.Match[str]) -> Part:
    pairs = (option.partition("=") for option in match["options"].split())
    return Part(match["name"], {name: value or name for name, _, value in pairs}, match["body"])


def commands(body: str) -> Iterator[str]:
    """Yield the commands of a console, continuation lines included, without their prompts."""
    command: list[str] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield "\n".join(command)
            command = [line[2:]]
        elif command and (line == ">" or line.startswith("> ")):
            command.append(line[2:])
        elif command:
            yield "\n".join(command)
            command = []
    if command:
        yield "\n".join(command)


@dataclass
class Console:
    """One shell in a folder, whose commands see what the ones before them left behind. The reader's port 8080 is a free one here."""

    folder: Path
    home: Path
    quiet: bool = False
    _shell: "subprocess.Popen[str]" = field(init=False)
    _port: str = field(init=False)
    _prediction: str = ""

    def __post_init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        binaries = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        environment |= {"PATH": binaries, "HEADRACE_USER": "ana", "COLUMNS": "110", "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
        self._shell = subprocess.Popen(
            ["bash", "--norc"],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._port = free_port()
        assert self._shell.stdin is not None
        self._shell.stdin.write("set -o pipefail\n")

    def run(self, part: Part) -> str:
        """Run a part's commands and return the part anew.

        Raises:
            SystemExit: if a command failed, and the part does not say that one `fails`; or says so, and none did.
        """
        shown, failed = [], False
        for command in commands(part.body):
            command = _PREDICTION.sub(self._prediction or "prd_none", command)
            output, code = self._execute(command, quiet="quiet" in part.options)
            print(f"$ {command}\n{output}", flush=True)
            if code and "fails" not in part.options:
                sys.exit(f"that command of a page ended with code {code}")
            failed = failed or code != 0
            ids = _PREDICTION.findall(output)
            self._prediction = ids[-1] if ids else self._prediction
            first, *rest = command.split("\n")
            shown += [f"$ {first}", *(f"> {line}".rstrip() for line in rest), *output.splitlines()]
            if output:
                shown.append("")
        if "fails" in part.options and not failed:
            sys.exit("a command of a page was to fail, and did not")
        while shown and not shown[-1]:
            shown.pop()
        return "\n".join(["```console", *(line.rstrip() for line in shown), "```"])

    def close(self) -> None:
        """Stop what was started here."""
        assert self._shell.stdin is not None
        self._shell.stdin.write("kill $(jobs -p) 2>/dev/null; wait; exit\n")
        self._shell.stdin.close()
        self._shell.wait(timeout=60)
        if self._shell.stdout is not None:
            self._shell.stdout.close()

    def _execute(self, command: str, quiet: bool) -> tuple[str, int]:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        real = command.replace(_PORT, self._port)
        before = "exec 3>&2 2>/dev/null\n" if quiet else ""
        after = "exec 2>&3\n" if quiet else ""
        done = "" if command.endswith("&") else f"printf '\\n{_DONE} %s\\n' $?\n"
        self._shell.stdin.write(f"{before}{real}\n{done}{after}")
        self._shell.stdin.flush()
        lines, code = [], 0
        for line in self._shell.stdout:
            if line.startswith(_DONE):
                code = int(line.split()[1])
                break
            lines.append(line)
            if not done and _URL.search(line):
                break
        output = "".join(lines).replace(self._port, _PORT).replace(str(self.home), "~")
        return output.strip("\n"), code


def free_port() -> str:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])
