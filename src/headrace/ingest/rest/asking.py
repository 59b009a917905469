"""Asking for all pages: each with proof of who asks, none twice, none left out in silence."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.core.units import counted
from headrace.ingest.errors import SourceChanged, SourceRefused
from headrace.ingest.rest.addresses import same_origin, with_query
from headrace.ingest.rest.authorization import Authorizer
from headrace.ingest.rest.calls import Calls
from headrace.ingest.rest.connection import Answer, Question
from headrace.ingest.rest.paths import MISSING, described, find
from headrace.ingest.rest.rows import Rows, flattened, row_text
from headrace.ingest.rest.walk import Seen, Step, next_step
from headrace.spec.rest import REST

_REMEDIES = {
    401: "Check the secret that auth= names: it may have expired or been revoked.",
    403: "Check the secret that auth= names, and what it is allowed to see.",
    404: "Check url=. If the API answers so past its last page, say with total= where it counts its rows.",
}
_REMEDY = "Check url=, params= and paging= against what the API documents."


class Asking:
    """All pages of one source, asked for one after the other."""

    def __init__(self, source: REST, calls: Calls, authorizer: Authorizer, headers: Mapping[str, str]) -> None:
        self._source, self._calls, self._authorizer = source, calls, authorizer
        own = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": "headrace"}
        replaced = {name.lower() for name in headers}
        self._headers = {name: value for name, value in own.items() if name.lower() not in replaced} | dict(headers)

    def answers(self, first: Step) -> Iterator[Rows]:
        """Give the rows of each page.

        Raises:
            SourceUnreachable, SourceRefused, SourceChanged: as `Reader.pages` says.
        """
        step: Step | None = first
        asked: set[tuple[object, ...]] = set()
        count, digest, total = 0, b"", None
        while step is not None:
            key = (step.url, *sorted(step.params.items()))
            if key in asked:
                raise self._changed(step, "the page after the last one is one that was given before: it would never end", _ENDLESS)
            asked.add(key)
            answer = self._answer(step, first)
            rows = self._rows(step, answer)
            digest, before = hashlib.sha256(b"\n".join(map(row_text, rows))).digest(), digest
            if rows and digest == before:
                raise self._changed(step, "this page has the same rows as the one before it: it would never end", _ENDLESS)
            count += len(rows)
            total = self._total(step, answer)
            yield rows
            step = self._next(step, Seen(answer.value, answer.headers.get("Link", ""), len(rows), total == count))
        if total is not None and total != count:
            raise self._changed(first, f"{self._source.total!r} gives a count of {counted(total, 'row')}, but {count:,} came", _COUNTED)

    def _next(self, step: Step, seen: Seen) -> Step | None:
        try:
            return next_step(self._source.paging, step, seen)
        except ValueError as error:
            raise self._changed(step, f"the address that it gives for the next page is none ({error})", _REMEDY) from error

    def _answer(self, step: Step, first: Step) -> Answer:
        if not same_origin(step.url, first.url):
            problem = "the address that it gives for the next page is on another server, which is not to have what is sent to this one"
            raise SourceRefused(self._calls.place(Question(step.url, {})), problem, _REMEDY, self._source.location)
        question = self._question(step)
        answer = self._calls.ask(question)
        if answer.status == 401 and self._authorizer.renew():
            question = self._question(step)
            answer = self._calls.ask(question)
        if answer.status >= 400:
            remedy = _REMEDIES.get(answer.status, _REMEDY)
            raise SourceRefused(self._calls.place(question), self._calls.told(answer), remedy, self._source.location)
        return answer

    def _question(self, step: Step) -> Question:
        proof = self._authorizer.proof()
        return Question(with_query(step.url, {**step.params, **proof.params}), {**self._headers, **proof.headers})

    def _rows(self, step: Step, answer: Answer) -> Rows:
        path = self._source.rows
        found = None if answer.value is None else find(answer.value, path)
        where = f"under {path!r}" if path else "as the answer"
        remedy = "Say with rows= which keys lead to the list of rows, as in rows='data.items'."
        if found is MISSING:
            raise self._changed(step, f"there is nothing {where}; the answer is {described(answer.value)}", remedy)
        if not isinstance(found, list | None):
            raise self._changed(step, f"{where} there is no list of rows but {described(found)}", remedy)
        rows = found or []
        for number, row in enumerate(rows, 1):
            if not isinstance(row, dict):
                raise self._changed(step, f"row {number} {where} is {described(row)}, not an object", remedy)
        return [self._flat(step, row) for row in rows] if self._source.flatten else rows

    def _flat(self, step: Step, row: dict[str, Any]) -> dict[str, Any]:
        pairs = list(flattened(row, frozenset(self._source.flatten)))
        flat = dict(pairs)
        if len(flat) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise self._changed(step, f"flattened, a row has two fields {twice!r}", f"Take {twice.rpartition('.')[0]!r} out of flatten=.")
        return flat

    def _total(self, step: Step, answer: Answer) -> int | None:
        if self._source.total is None:
            return None
        found = find(answer.value, self._source.total)
        if isinstance(found, int) and not isinstance(found, bool):
            return found
        if isinstance(found, str) and found.isascii() and found.isdigit():
            return int(found)
        what = "nothing" if found is MISSING else described(found)
        raise self._changed(
            step, f"under total={self._source.total!r} there is no number of rows but {what}", "Correct total=, or leave it out."
        )

    def _changed(self, step: Step, problem: str, remedy: str) -> SourceChanged:
        return SourceChanged(self._calls.place(Question(with_query(step.url, step.params), {})), problem, remedy, self._source.location)


_ENDLESS = "Check paging=: the API does not know that parameter, or repeats its last page; then say with total= where it counts its rows."
_COUNTED = "If rows were added or removed while it was read, run again; else check paging= and total=."
