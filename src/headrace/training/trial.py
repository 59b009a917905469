"""One step of a search."""

import msgspec


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One set of parameters, the model's metric on validation with it, and how long it took."""

    number: int
    parameters: dict[str, float | int]
    value: float
    seconds: float
