"""The flights example told as a story: every line that starts with $ is a command run for real, and what follows is what it printed.

Keeps everything in `.demo/` at the top of the checkout, made anew each time.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[1] / ".demo"
COMMAND = [sys.executable, "-m", "headrace"]
FLIGHT = {
    "carrier": "UA", "flight": 1545, "origin": "EWR", "dest": "IAH", "distance": 1400, "tailnum": "N14228",
    "scheduled": "2013-12-20T20:15:00Z",
}  # fmt: skip
ASKED_AT = "2013-12-20T18:15:00Z"


def main() -> None:
    started = time.monotonic()
    tell(HOME)
    say("Look around: cd examples/flights && export HEADRACE_HOME=../../.demo && ../../.venv/bin/headrace status")
    say(f"Told in {time.monotonic() - started:.0f} s. Everything is in {HOME.name}/; the description is examples/flights/project.py.")


def tell(home: Path) -> None:
    """Tell the story in a home made anew. The ledger and the lake are where the environment says; else they are in it, too."""
    shutil.rmtree(home, ignore_errors=True)
    os.environ["HEADRACE_HOME"] = str(home)
    say("A year of flights out of New York: which will arrive half an hour late or more, asked two hours before they leave?")
    say("Ana runs the description: five raw tables to a judged model.")
    run("ana", "run")
    say("The description asks for a reviewer, and Ana cannot approve her own model. Ben can.")
    run("ben", "approve", "late", "--comment", "Beats the baseline; recall is alike across carriers. Fine for the pilot.")
    say(f"It is served. The clock is set to {ASKED_AT}, when a flight to Houston asks:")
    prediction = ask_over_http()
    say("Where did that number come from?")
    run("ana", "why", prediction)
    say("And what did it all cost?")
    run("ana", "cost")
    say("Run again: nothing has changed, so nothing is done.")
    run("ana", "run")


def say(text: str) -> None:
    print(f"\n# {text}", flush=True)


def environment(user: str) -> dict[str, str]:
    return {**os.environ, "HEADRACE_USER": user}


def run(user: str, *arguments: str) -> None:
    shown = " ".join(f"'{argument}'" if " " in argument else argument for argument in arguments)
    print(f"\n$ HEADRACE_USER={user} headrace {shown}", flush=True)
    code = subprocess.run([*COMMAND, *arguments], cwd=HERE, env=environment(user)).returncode
    if code != 0:
        sys.exit(f"the demo stopped: that command ended with code {code}")


def ask_over_http() -> str:
    """Start the server on a free port, ask for one prediction, stop the server; return the prediction's id."""
    arguments = ["serve", "--port", "0", "--as-of", ASKED_AT]
    print(f"\n$ headrace {' '.join(arguments)} &", flush=True)
    with subprocess.Popen([*COMMAND, *arguments], cwd=HERE, env=environment("ana"), stdout=subprocess.PIPE, text=True) as server:
        try:
            url = wait_for_url(server)
            body = json.dumps(FLIGHT)
            print(f"\n$ curl -H 'Content-Type: application/json' {url}/predict -d '{body}'", flush=True)
            request = urllib.request.Request(f"{url}/predict", body.encode(), {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as response:
                answer = json.load(response)
            print(json.dumps(answer, indent=2), flush=True)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)
    return str(answer["predictions"][0]["prediction_id"])


def wait_for_url(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    for line in server.stdout:
        print(line, end="", flush=True)
        found = re.search(r"http://[\w.:]+", line)
        if found:
            return found.group()
    sys.exit("the demo stopped: the server ended before it was ready")


if __name__ == "__main__":
    main()
