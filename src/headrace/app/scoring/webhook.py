"""Predictions by POST to an address, signed as Standard Webhooks says (https://www.standardwebhooks.com, 1.0)."""

import base64
import binascii
import hmac
from collections.abc import Iterator
from datetime import timedelta

import polars as pl
import urllib3

from headrace.app.prediction_frames import frame_json
from headrace.app.scoring.errors import NotTaken
from headrace.core.clock import Clock
from headrace.core.secrets import Secrets
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.rest.patience import asked_wait
from headrace.spec.addresses import check_address
from headrace.spec.errors import SpecError
from headrace.spec.scoring import Webhook

_PREFIX = "whsec_"
_WAITS = (429, 503)
"""Answers that may say in `Retry-After` when to ask again (RFC 6585, 4; RFC 9110, 15.6.4)."""


class WebhookCourier:
    """Satisfies `Courier`. One thread at a time."""

    def __init__(self, webhook: Webhook, secrets: Secrets, clock: Clock) -> None:
        """Take the secret.

        Raises:
            SecretMissing: if it is not there.
            SpecError: if what stands for the address is none that may be asked.
        """
        self._webhook, self._clock = webhook, clock
        self._key = _key(secrets.fill(webhook.secret), webhook)
        self._url = secrets.fill_url(webhook.url)
        check_address("the address of Webhook", self._url, secret=True, location=webhook.location)
        assert isinstance(webhook.timeout, timedelta)
        self._pool = urllib3.PoolManager(num_pools=1, timeout=urllib3.Timeout(total=webhook.timeout.total_seconds()), retries=False)

    def send(self, _: int, rows: pl.DataFrame, /) -> Iterator[int]:
        """Send rows one by one; give 1 for each that was taken.

        Raises:
            NotTaken: if one is not.
        """
        bodies = frame_json(rows.drop(ARRIVAL)).to_list()
        for identifier, body in zip(rows["prediction_id"].to_list(), bodies, strict=True):
            self._post(identifier, body.encode())
            yield 1

    def close(self) -> None:
        """Let go of the connection."""
        self._pool.clear()

    def _post(self, identifier: str, body: bytes) -> None:
        moment = str(int(self._clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": identifier,
            "webhook-id": identifier,
            "webhook-timestamp": moment,
            "webhook-signature": signature(self._key, identifier, moment, body),
        }
        try:
            response = self._pool.request("POST", self._url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise NotTaken(self._webhook.place, f"it does not answer ({type(error).__name__})") from error
        if not 200 <= response.status < 300:
            asked = asked_wait(response.headers) if response.status in _WAITS else None
            told = "" if asked is None else f" and asks for {asked:,.0f} s"
            raise NotTaken(self._webhook.place, f"it answers {response.status}{told}", asked)


def signature(key: bytes, identifier: str, moment: str, body: bytes) -> str:
    """Return the signature of a message under a secret."""
    signed = hmac.digest(key, f"{identifier}.{moment}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(signed).decode()}"


def _key(secret: str, webhook: Webhook) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise SpecError(
            f"the secret {webhook.secret} begins with {_PREFIX}, and what follows is no base64.",
            remedy="Take it as whoever receives the predictions shows it, or one without that beginning.",
            location=webhook.location,
        ) from error
