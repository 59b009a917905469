"""Asking until there is an answer, or until it is clear that there will be none."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

from headrace.core.locations import Location
from headrace.core.units import format_duration
from headrace.ingest.errors import SourceChanged, SourceRefused, SourceUnreachable
from headrace.ingest.rest.addresses import without_secrets
from headrace.ingest.rest.connection import Answer, Connections, Forbidden, Interrupted, NotJson, Question
from headrace.ingest.rest.patience import asked_wait, is_used_up, may_pass, reset_wait, wait_before
from headrace.ingest.rest.redaction import Redactor

_LONGEST_WAIT_SECONDS = 120.0
_LONGEST_TOLD_SECONDS = 1e10  # what an API asks for may be longer than a timedelta can be
_SHOWN = 300


class Calls:
    """Questions to one source. `sleep` is what waits.

    Asked again, `retries` times at most, is what found no connection, no answer in time, half an answer, a 408, a 429 or a 5xx.
    """

    def __init__(
        self, connections: Connections, redactor: Redactor, retries: int, sleep: Callable[[float], None], location: Location | None
    ) -> None:
        self._connections, self._redactor, self._retries = connections, redactor, retries
        self._sleep, self._location = sleep, location

    def ask(self, question: Question) -> Answer:
        """Return the answer, which may be a refusal (its status is then 400 or more).

        Raises:
            SourceUnreachable: after the last attempt, or when the API asks to wait longer than two minutes.
            SourceChanged: if what it answers is no JSON.
            SourceRefused: if it is not safe to go on.
        """
        for attempt in range(self._retries + 1):
            wait = wait_before(attempt)
            try:
                answer = self._connections.ask(question)
            except Forbidden as error:
                raise SourceRefused(self.place(question), self._redactor.redact(str(error)), error.remedy, self._location) from error
            except NotJson as error:
                failure: Exception = error
                if not error.passing:
                    break
            except Interrupted as error:
                failure = error
            else:
                if not may_pass(answer.status, answer.headers):
                    self._rest(answer)
                    return answer
                failure = Interrupted(self.told(answer))
                wait = max(wait, self._agreed(question, answer))
            if attempt < self._retries:
                self._sleep(wait)
        raise self._given_up(question, failure, attempt + 1) from failure

    def place(self, question: Question) -> str:
        """Return the address of a question, to be shown."""
        return self._redactor.redact(without_secrets(question.url))

    def told(self, answer: Answer) -> str:
        """Return what an answer that is none says, to be shown."""
        said = " ".join(self._redactor.redact(answer.excerpt).split())[:_SHOWN]
        name = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else ""
        return f"it answers {answer.status} {name}".rstrip() + (f" ({said})" if said else "")

    def _agreed(self, question: Question, answer: Answer) -> float:
        asked = asked_wait(answer.headers) or 0.0
        if asked > _LONGEST_WAIT_SECONDS:
            length = format_duration(timedelta(seconds=round(min(asked, _LONGEST_TOLD_SECONDS))))
            reason = f"{self.told(answer)} and asks to wait {length}, which is longer than Headrace waits"
            remedy = "Run again after that time: what was landed before is kept."
            raise SourceUnreachable(self.place(question), reason, remedy=remedy, retried=True, location=self._location)
        return asked

    def _rest(self, answer: Answer) -> None:
        """Wait now rather than be refused the next time."""
        wait = reset_wait(answer.headers) if answer.status < 400 and is_used_up(answer.headers) else None
        if wait is not None and 0 < wait <= _LONGEST_WAIT_SECONDS:
            self._sleep(wait)

    def _given_up(self, question: Question, failure: Exception, attempts: int) -> Exception:
        problem = self._redactor.redact(str(failure))
        tried = f"tried {attempts} times" if attempts > 1 else "tried once"
        if isinstance(failure, NotJson):
            remedy = "Check url= and headers=: a sign-in page or an error page comes as HTML. What was cut may be whole the next time."
            return SourceChanged(self.place(question), f"{problem} ({tried})", remedy, self._location)
        return SourceUnreachable(self.place(question), f"{problem} ({tried})", retried=True, location=self._location)
