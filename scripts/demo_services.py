"""The flights example on shared stores: ledger and durable runs on a real Postgres, lake on a real S3-protocol server.

Both are started here, on loopback and in temporary folders, and are gone at the end. Their passwords are where an operator's would be:
one in the environment, one in a file.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from services.postgres import Postgres
from services.s3 import S3

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "examples" / "flights"))

import demo  # noqa: E402  beside the description, so that it can be run without this


def main() -> None:
    started = time.monotonic()
    postgres = Postgres()
    try:
        s3 = S3()
        try:
            with tempfile.TemporaryDirectory(prefix="headrace-demo-") as folder:
                _give(postgres, s3, Path(folder))
                demo.say(f"A Postgres and an S3-protocol server were started in {time.monotonic() - started:.0f} s.")
                demo.run("ana", "settings")
                demo.tell(Path(folder) / "home")
                demo.run("ana", "audit", "verify")
                _look_into(Path(folder) / "home")
        finally:
            s3.remove()
    finally:
        postgres.remove()
    demo.say(f"Told in {time.monotonic() - started:.0f} s. Both servers are stopped and what they held is removed.")


def _give(postgres: Postgres, s3: S3, folder: Path) -> None:
    """Set what an operator would set."""
    key = folder / "lake-key"
    key.write_text(s3.secret, encoding="utf-8")
    key.chmod(0o600)
    url = postgres.database().replace(postgres.password, "${LEDGER_PASSWORD}")
    os.environ |= {
        "HEADRACE_HOME": str(folder / "home"),
        "HEADRACE_LEDGER": url,
        "LEDGER_PASSWORD": postgres.password,
        "HEADRACE_LAKE": f"{s3.bucket()}/flights",
        "AWS_ENDPOINT_URL": s3.endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": s3.key,
        "AWS_SECRET_ACCESS_KEY_FILE": str(key),
    }


def _look_into(home: Path) -> None:
    """Say what is where."""
    kept = sorted(path.name for path in home.iterdir())
    demo.say(f"What this machine keeps for itself: {', '.join(kept)}. Ledger, runs, tables and bundles are on the servers.")


if __name__ == "__main__":
    main()
