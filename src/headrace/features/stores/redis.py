"""Online state on a Redis or Valkey server, which many machines share.

A record is a hash, `PREFIX:record:LENGTH:SPACE:KEY`, where LENGTH is that of the space in bytes; its fields are the hash's own. The keys
of a space's records are in a sorted set, `PREFIX:index:SPACE`, so that they can be walked without looking at what others keep there. All
marks are one hash, `PREFIX:marks`, which also counts commits under a name that no mark has. Nothing expires.

A commit is one script: the server does it whole before it answers anybody else, and writes it to its log as one.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from headrace.features.stores.contract import Commit, Field, Key, Walked
from headrace.features.stores.errors import MarkMoved, StoreFault
from headrace.features.stores.redis_reading import Questions, command, hash_of
from headrace.features.stores.redis_server import Place, see_fit

_READ_SECONDS, _WRITE_SECONDS = 5, 60
_RETRIES = 3
_ARGUMENTS_AT_ONCE = 2000  # Lua passes no more than some thousand
_RECORDS_AT_ONCE = 1000
_PIECE_BYTES = 1 << 24
_COMMITS = b"\0commits"
_LENGTH = struct.Struct(">I")
_COMMIT = """
local piece, at = 1, 1
local function taken()
  if at > #ARGV[piece] then piece, at = piece + 1, 1 end
  local part
  part, at = struct.unpack('>I4c0', ARGV[piece], at)
  return part
end
local function value() if taken() == '1' then return taken() else return false end end
for _ = 1, tonumber(taken()) do
  local mark = taken()
  if redis.call('HGET', KEYS[1], mark) ~= value() then return mark end
end
for _ = 1, tonumber(taken()) do
  local mark, new = taken(), value()
  if new then redis.call('HSET', KEYS[1], mark, new) else redis.call('HDEL', KEYS[1], mark) end
end
for _, command in ipairs({'HDEL', 'HSET'}) do
  for _ = 1, tonumber(taken()) do
    local record, index, key, some = taken(), taken(), taken(), {}
    for number = 1, tonumber(taken()) do some[number] = taken() end
    local changed = redis.call(command, record, unpack(some))
    if changed > 0 then
      if command == 'HSET' then redis.call('ZADD', index, 0, key)
      elseif redis.call('EXISTS', record) == 0 then redis.call('ZREM', index, key) end
    end
  end
end
redis.call('HINCRBY', KEYS[1], '\\0commits', 1)
return false
"""
"""Compares the marks expected and makes the changes: lists of marks, of fields to drop and of fields to set, each after its length. Returns
the name of a mark that has moved. An index need not be touched when all that was set was there.

All parts stand in few arguments, each after its own length: Redis before 7 takes about a million arguments and hangs up on more.
"""


class RedisStore:
    """Online state on a server. Connections that break are made anew; a commit is never tried twice."""

    def __init__(self, url: str, prefix: str, answer_seconds: float | None = None) -> None:
        """Connect, and see that the server keeps what it is given. `answer_seconds` is how long readers wait; they do not wait twice.

        Raises:
            StoreUnusable: if the URL is none, the server refuses it, is too old, or throws records away.
            StoreFault: if the server does not answer.
        """
        self._place = Place.of(url, prefix)
        self._start = self._place.prefix.encode() + b":"
        self._marks = self._start + b"marks"
        self._count = command(b"HGET", self._marks, _COMMITS)
        again = Retry(ExponentialBackoff(cap=0.5, base=0.05), _RETRIES)
        if answer_seconds is not None:  # one more time, where a connection that was kept is found broken
            again = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._reader: Any = self._place.client(
            answer_seconds or _READ_SECONDS, again
        )  # Any: what commands return depends on the client's kind
        self._questions = Questions(self._reader)
        # Whether a commit that met an error was made only its marks can tell, so that it must not be sent again.
        self._writer: Any = self._place.client(_WRITE_SECONDS, Retry(NoBackoff(), 0))
        self._change = self._writer.register_script(_COMMIT)
        try:
            see_fit(self._reader, self._place)
        except BaseException:
            self.close()
            raise

    def read(self, keys: Sequence[Key], marks: Sequence[str] = ()) -> tuple[list[list[bytes]], list[bytes | None]]:
        """Return the values of the records' fields, and the marks, asked for in one go."""
        commands = [command(b"HGETALL", self._record(*key)) for key in keys]
        with self._told("read"):
            answers, found = self._with_marks(commands, marks) if marks else (self._questions.ask(commands), [])
        return [[value for _, value in sorted(hash_of(answer).items())] for answer in answers], found

    def fields(self, keys: Sequence[Key], prefix: bytes = b"") -> list[list[tuple[bytes, bytes]]]:
        """Return the fields of the records, with their names."""
        return [_pairs(values, prefix) for values in self._hashes(self._record(*key) for key in keys)]

    def commit(self, commit: Commit) -> None:
        """Make changes in one script."""
        change = [
            *_listed((mark.encode(), *_maybe(value)) for mark, value in commit.expect.items()),
            *_listed((mark.encode(), *_maybe(value)) for mark, value in commit.marks.items()),
            *_listed(self._by_record((field, (field.name,)) for field in commit.drop)),
            *_listed(self._by_record((field, (field.name, value)) for field, value in commit.put)),
        ]
        with self._told("write to"):
            moved = self._change(keys=[self._marks], args=list(_pieces(change)))
        if moved is not None:
            raise MarkMoved(moved.decode())

    def marks(self, prefix: str) -> dict[str, bytes]:
        """Return the marks whose names begin with `prefix`."""
        (found,) = self._hashes([self._marks])
        found.pop(_COMMITS, None)
        return {name.decode(): value for name, value in _pairs(found, prefix.encode())}

    def walk(self, space: str, after: bytes | None = None, most: int = 1000) -> Walked:
        """Return some records, in the order of their keys."""
        with self._told("read"):
            start = b"-" if after is None else b"(" + after
            keys: list[bytes] = self._reader.zrangebylex(self._index(space), start, b"+", 0, most)
        hashes = self._hashes(self._record(space, key) for key in keys)
        records = [(key, _pairs(values)) for key, values in zip(keys, hashes, strict=True) if values]  # but those removed in between
        return Walked(records, keys[-1] if len(keys) == most else None)

    def clear(self, space: str) -> None:
        """Remove all records of a space, some at a time."""
        index = self._index(space)
        with self._told("write to"):
            while keys := self._writer.zrangebylex(index, b"-", b"+", 0, _RECORDS_AT_ONCE):
                with self._writer.pipeline(transaction=True) as asked:
                    asked.unlink(*(self._record(space, key) for key in keys))
                    asked.zrem(index, *keys)
                    asked.execute()

    def close(self) -> None:
        """Let go of the connections."""
        self._questions.close()
        self._reader.close()
        self._writer.close()

    def _with_marks(self, commands: list[bytes], marks: Sequence[str]) -> tuple[list[Any], list[bytes | None]]:
        """Return what commands answer, and marks, as one commit left them: the number of commits is asked for before and after.

        They are asked for again if it rose, which is rare. A transaction each time would cost more, and a server that is full refuses
        even one that only reads; where the number rose it takes commits still.
        """
        asked = command(b"HMGET", self._marks, _COMMITS, *[mark.encode() for mark in marks])
        (before, *found), *answers, after = self._questions.ask([asked, *commands, self._count])
        if before != after:
            (_, *found), *answers = self._questions.ask_at_once([asked, *commands])
        return answers, found

    def _record(self, space: str, key: bytes) -> bytes:
        name = space.encode()
        return b"%brecord:%d:%b:%b" % (self._start, len(name), name, key)

    def _index(self, space: str) -> bytes:
        return self._start + b"index:" + space.encode()

    def _hashes(self, names: Iterable[bytes]) -> list[dict[bytes, bytes]]:
        with self._told("read"), self._reader.pipeline(transaction=False) as asked:
            for name in names:
                asked.hgetall(name)
            answers: list[dict[bytes, bytes]] = asked.execute()
        return answers

    def _by_record(self, parts: Iterable[tuple[Field, tuple[bytes, ...]]]) -> Iterator[Sequence[bytes | int]]:
        """Yield what is done to each record, as much as one command takes: its name, that of its index, its key there, and arguments."""
        together: dict[tuple[str, bytes], list[bytes]] = {}
        for field, part in parts:
            together.setdefault((field.space, field.key), []).extend(part)
        for (space, key), arguments in together.items():
            for start in range(0, len(arguments), _ARGUMENTS_AT_ONCE):
                some = arguments[start : start + _ARGUMENTS_AT_ONCE]
                yield self._record(space, key), self._index(space), key, len(some), *some

    @contextmanager
    def _told(self, action: str) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            raise StoreFault(action, self._place.shown, error) from error


def _listed(entries: Iterable[Sequence[bytes | int]]) -> list[bytes | int]:
    """Return the entries one after another, and before them how many there are."""
    every = list(entries)
    return [len(every), *(part for entry in every for part in entry)]


def _pieces(parts: Iterable[bytes | int]) -> Iterator[bytes]:
    """Yield parts one after another, each after its length, in pieces of some megabytes."""
    piece: list[bytes] = []
    size = 0
    for part in parts:
        text = part if isinstance(part, bytes) else b"%d" % part
        piece += (_LENGTH.pack(len(text)), text)
        size += len(text)
        if size > _PIECE_BYTES:
            yield b"".join(piece)
            piece.clear()
            size = 0
    yield b"".join(piece)


def _maybe(value: bytes | None) -> Sequence[bytes]:
    return (b"0",) if value is None else (b"1", value)


def _pairs(values: Mapping[bytes, bytes], prefix: bytes = b"") -> list[tuple[bytes, bytes]]:
    return sorted(pair for pair in values.items() if pair[0].startswith(prefix))
