"""Signatures of webhooks, held to the example of the standard's own libraries, and secrets that are none."""

import base64

import polars as pl
import pytest
from tests.e2e.receiver import Receiver

from headrace.app.scoring.errors import NotTaken
from headrace.app.scoring.webhook import WebhookCourier, signature
from headrace.core.clock import SystemClock
from headrace.core.secrets import SecretMissing, Secrets
from headrace.spec.errors import SpecError
from headrace.spec.scoring import Webhook

WEBHOOK = Webhook("https://shop.example/scores", secret="${HOOK}")


def test_signed_as_standard_webhooks_signs() -> None:
    # The test vector of https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_is_none_is_told_and_not_shown() -> None:
    with pytest.raises(SpecError, match="no base64") as told:
        WebhookCourier(WEBHOOK, Secrets({"HOOK": "whsec_not base64!"}), SystemClock())
    assert "not base64!" not in str(told.value)
    with pytest.raises(SecretMissing):
        WebhookCourier(WEBHOOK, Secrets({}), SystemClock())


def test_how_long_a_receiver_asks_to_be_left_alone_is_heeded() -> None:
    rows = pl.DataFrame({"_arrival": [1], "prediction_id": ["prd_1"], "score": [0.5]})
    with Receiver() as receiver:
        courier = WebhookCourier(Webhook(receiver.url, secret="${HOOK}"), Secrets({"HOOK": Receiver.SECRET}), SystemClock())
        receiver.headers = {"Retry-After": "120"}
        for status, wait in ((429, 120.0), (503, 120.0), (500, None)):
            receiver.status = status
            with pytest.raises(NotTaken) as told:
                list(courier.send(0, rows))
            assert told.value.wait_seconds == wait
        receiver.status, receiver.headers = 503, {"Retry-After": "soon"}
        with pytest.raises(NotTaken, match=r"it answers 503\.\n") as told:
            list(courier.send(0, rows))
        assert told.value.wait_seconds is None
        courier.close()
