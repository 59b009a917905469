"""Whether an LMDB file has the pages that it speaks of, seen before LMDB maps it.

LMDB asks no such thing: who reads a page that a copy, a full disk or a repair has cut off is killed by the system (SIGBUS), and who meets
zeros where the tree begins is ended by an assertion. A file may well be shorter than its last page: a page that was taken and given back
within one transaction is never written. Those pages are in the list of free ones; so that list is read, and only where the file is short.

The layout is that of LMDB 0.9 (mdb.c: MDB_meta, MDB_db, MDB_page, MDB_node), in the order of bytes of this machine.
"""

import os
import struct
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import BinaryIO, NamedTuple

_MAGIC, _VERSION, _NO_ROOT = 0xBEEFC0DE, 1, 2**64 - 1
_META = struct.Struct("=II16xI36xQ40xQQQ")
_PAGE = struct.Struct("=Q2xHHH")
_NODE = struct.Struct("=HHHH")
_NUMBER = struct.Struct("=Q")
_BRANCH, _LEAF, _ON_PAGES_OF_ITS_OWN = 1, 2, 1
_MOST_PAGE_BYTES = 1 << 16
_LOOKS = 5
"""Another process may write meanwhile: what seems wrong counts only if the newest transaction is still the same."""


class _Meta(NamedTuple):
    magic: int
    version: int
    page_bytes: int
    free_root: int
    root: int
    last: int
    transaction: int


def missing_pages(path: Path) -> str:
    """Return what an LMDB file lacks, in words; nothing if it is whole as far as that is seen, or is none: LMDB tells that itself."""
    for _ in range(_LOOKS):
        try:
            with path.open("rb") as file:
                meta = _newest(file)
                lacks = "" if meta is None else _lacks(file, meta)
                if not lacks or _newest(file) == meta:
                    return lacks
        except FileNotFoundError:
            return ""
    return ""


def _newest(file: BinaryIO) -> _Meta | None:
    """Return the newer of the two pages that say where everything is; None if these are none of LMDB's."""
    first = _meta(file, 0)
    second = None if first is None else _meta(file, first.page_bytes)
    return None if first is None or second is None else max(first, second, key=lambda each: each.transaction)


def _meta(file: BinaryIO, at: int) -> _Meta | None:
    found = os.pread(file.fileno(), _META.size, at + _PAGE.size)
    if len(found) < _META.size:
        return None
    meta = _Meta(*_META.unpack(found))
    is_known = (meta.magic, meta.version) == (_MAGIC, _VERSION) and _META.size < meta.page_bytes <= _MOST_PAGE_BYTES
    return meta if is_known else None


def _lacks(file: BinaryIO, meta: _Meta) -> str:
    there, spoken_of = os.fstat(file.fileno()).st_size // meta.page_bytes, meta.last + 1
    lacks = f"pages that it needs are not there (it has {there:,} of {spoken_of:,})"
    try:
        for root in (meta.free_root, meta.root):
            if root != _NO_ROOT and not _is_of_a_tree(_page(file, meta, root), root):
                return f"its page {root:,}, from which others are found, is none"
        free = {number for number in _free(file, meta) if there <= number < spoken_of} if there < spoken_of else ()
    except struct.error:  # a page of a tree was cut off, or is none
        return lacks
    return "" if there + len(free) >= spoken_of else lacks


def _is_of_a_tree(page: bytes, number: int) -> bool:
    name, kind, _, _ = _PAGE.unpack_from(page)
    return bool(name == number and kind & (_BRANCH | _LEAF))


def _free(file: BinaryIO, meta: _Meta) -> Iterator[int]:
    """Yield the numbers of free pages: the values of the tree that keeps them, each a count and so many numbers.

    Raises:
        struct.error: if a page of the tree is not there or is none.
    """
    left, seen = [] if meta.free_root == _NO_ROOT else [meta.free_root], 0
    while left and (seen := seen + 1) <= meta.last:  # a garbled tree may lead round in a circle
        page = _page(file, meta, left.pop())
        _, kind, lower, _ = _PAGE.unpack_from(page)
        for (at,) in struct.iter_unpack("=H", page[_PAGE.size : lower]):
            low, high, more, key_bytes = _NODE.unpack_from(page, at)
            value = page[at + _NODE.size + key_bytes :]
            if kind & _BRANCH:
                left.append(low | high << 16 | more << 32)
            elif more & _ON_PAGES_OF_ITS_OWN:
                (first,), pages = _NUMBER.unpack_from(value), 1 + ceil((low | high << 16) / meta.page_bytes)
                yield from _numbers(_page(file, meta, first, pages)[_PAGE.size :])
            else:
                yield from _numbers(value)


def _numbers(value: bytes) -> tuple[int, ...]:
    (count,) = _NUMBER.unpack_from(value)
    return struct.unpack_from(f"={min(count, len(value))}Q", value, _NUMBER.size)


def _page(file: BinaryIO, meta: _Meta, number: int, pages: int = 1) -> bytes:
    """Return a page, and those that follow it."""
    if number > meta.last:
        raise struct.error(f"there is no page {number}")
    return os.pread(file.fileno(), pages * meta.page_bytes, number * meta.page_bytes)
