"""What the offsets of a topic count, as positions keep it: the topic's name, and its id where the broker has one."""

_MARK = "#"
"""Between the two: no name has it."""


def origin_of(topic: str, identifier: str | None) -> str:
    """Return what offsets of a topic count.

    >>> origin_of("orders", "Kx3Z"), origin_of("orders", None)
    ('orders#Kx3Z', 'orders')
    """
    return topic if identifier is None else f"{topic}{_MARK}{identifier}"


def topic_of(origin: str) -> str:
    """Return the name of the topic."""
    return origin.partition(_MARK)[0]


def id_of(origin: str) -> str | None:
    """Return the id of the topic; None if it is not known."""
    return origin.partition(_MARK)[2] or None


def is_another(one: str, other: str) -> bool:
    """Tell whether offsets of one topic are not those of another: by name, and by id where both are known.

    >>> is_another("orders#Kx3Z", "orders#9aTq"), is_another("orders#Kx3Z", "orders")
    (True, False)
    """
    ids = {identifier for identifier in map(id_of, (one, other)) if identifier}
    return topic_of(one) != topic_of(other) or len(ids) > 1
