"""Reading from a Redis server at the least cost to the processor: each question waits for it.

A pipeline of the client's takes two to three times as long as its connections do: it looks at the socket before each use, and makes an
object of each command. Here are commands as bytes, and the client's own connections, which log in, time out and are made anew as ever.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import redis

Answer = Any
"""What a command gives: its kind says what."""


class Questions:
    """Asks several things at once. Safe to call from many threads: each has a connection for as long as it waits."""

    def __init__(self, client: "redis.Redis") -> None:
        """Take a client for its connections: they try again as it does, so nothing that writes may be asked."""
        self._pool: Any = client.connection_pool  # Any: the kinds of connections that it makes share no type
        self._idle: deque[Any] = deque()

    def ask(self, commands: Sequence[bytes]) -> list[Answer]:
        """Send commands that `command` made, and return their answers, in one round trip.

        Raises:
            redis.RedisError: if the server refuses one, or does not answer.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._pool.make_connection()
        together = [b"".join(commands)]

        def exchange() -> list[Answer]:
            connection.send_packed_command(together)
            return [connection.read_response() for _ in commands]

        try:
            answers: list[Answer] = connection.retry.call_with_retry(exchange, lambda _: connection.disconnect())
        except BaseException:  # even Ctrl-C: answers that nobody took must not be those to the next question
            connection.disconnect()
            raise
        finally:
            self._idle.append(connection)  # also one that failed: it connects anew, and the pool counts those that it makes
        return answers

    def ask_at_once(self, commands: Sequence[bytes]) -> list[Answer]:
        """Ask as `ask` does, with nothing written between the first answer and the last."""
        answers: list[Answer] = self.ask([_BEGIN, *commands, _END])[-1]
        for answer in answers:
            if isinstance(answer, redis.RedisError):
                raise answer
        return answers

    def close(self) -> None:
        """Let go of the connections that nobody waits on."""
        while self._idle:
            self._idle.pop().disconnect()


def command(*parts: bytes) -> bytes:
    """Return a command in the server's protocol."""
    return b"*%d\r\n%b" % (len(parts), b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]))


def hash_of(answer: Answer) -> Mapping[bytes, bytes]:
    """Return the fields of a record: the older protocol lists names and values by turns."""
    return answer if isinstance(answer, Mapping) else dict(zip(answer[::2], answer[1::2], strict=True))


_BEGIN, _END = command(b"MULTI"), command(b"EXEC")
