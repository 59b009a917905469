"""Signatures of webhooks, held to the example of the standard's own libraries, and secrets that are none."""

import base64

import pytest

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
