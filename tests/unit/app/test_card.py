"""What a card tells of rows that took no part."""

from headrace.app.card import LEFT_OUT
from headrace.training.splits import REASONS


def test_every_reason_has_words():
    assert set(LEFT_OUT) == set(REASONS)
