"""APIs that do not answer, do not let us in, or answer with something else."""

import json
from collections.abc import Callable

from services.json_api import Asked, Reply

from broken_inputs.kinds import ALL, Counts, Kind, Step, steps
from broken_inputs.place import SECRET, Place, objects

_HALF = 20
Answer = Callable[[Asked], Reply]


def declared(place: Place, options: str = "retries=1") -> None:
    """The project asks the API, page by page, with a token."""
    place.environment["SHOP_TOKEN"] = SECRET
    source = f'hr.REST("{place.api.url}", rows="orders", auth=hr.auth.bearer("${{SHOP_TOKEN}}"), paging=hr.paging.page(), {options})'
    place.declare(source)


def answer(asked: Asked) -> Reply:
    """Two pages of orders and then an empty one, for whoever has the token."""
    if asked.headers.get("Authorization") != f"Bearer {SECRET}":
        return Reply({"error": f"token {asked.headers.get('Authorization')} has expired"}, 401)
    start = (int(asked.query["page"]) - 1) * _HALF
    return Reply({"orders": objects()[start : start + _HALF], "total": len(objects())})


def api(place: Place) -> None:
    """Everything is as it should be."""
    declared(place)
    place.api.answer = answer


def gives(reply: Answer) -> Step:
    """The API answers otherwise."""

    def change(place: Place) -> None:
        place.api.answer = reply

    return change


def second(reply: Reply) -> Step:
    """The API answers otherwise when it is asked for the second page."""
    return gives(lambda asked: reply if asked.query["page"] == "2" else answer(asked))


def _busy_once(place: Place) -> None:
    left = [Reply({"error": "slow down"}, 429, {"Retry-After": "0"})]
    place.api.answer = lambda asked: left.pop() if left else answer(asked)


def _nobody_listens(place: Place) -> None:
    place.replace("project.py", place.api.url, "http://127.0.0.1:1/v1/orders")


def one_page(rows: list[dict[str, object]]) -> Step:
    """The API answers with these rows on one page."""
    return gives(lambda asked: Reply({"orders": rows if asked.query["page"] == "1" else []}))


_RENAMED = [{("total" if name == "amount" else name): value for name, value in each.items()} for each in objects()]
_MIXED = [*objects()[:-1], {**objects()[-1], "amount": "n/a"}]
_BUSY = Reply({"error": "slow down"}, 429, {"Retry-After": "0"})
_AGAIN = "Wait until it answers, then run again."
_TOO_SHORT = json.dumps({"orders": objects()[_HALF:]}).encode()[:200]
_HTML = Reply(raw=b"<html><body>Please log in</body></html>", headers={"Content-Type": "text/html"})

APIS = (
    Kind(
        "Connection refused by an API",
        steps(api, _nobody_listens),
        (
            "project.py:4: https://api.example.com/v1/orders?page=1 cannot be reached: no connection: ConnectionRefusedError: "
            "[Errno 111] Connection refused (tried 2 times).\n"
            "  Check that it runs and can be reached from here, then run again: what was landed before is kept."
        ),
        "Correct the address, or start the server.",
        api,
        3,
    ),
    Kind(
        "An expired token",
        lambda place: place.environment.update(SHOP_TOKEN="an-old-one"),
        (
            'project.py:4: https://api.example.com/v1/orders?page=1 refuses: it answers 401 Unauthorized ({"error": "token Bearer '
            '*** has expired"}).\n'
            "  Check the secret that auth= names: it may have expired or been revoked."
        ),
        "Set a new one.",
        api,
        before=api,
    ),
    Kind(
        "Something that the token does not allow",
        gives(lambda _: Reply({"error": "not for you"}, 403)),
        (
            'project.py:4: https://api.example.com/v1/orders?page=1 refuses: it answers 403 Forbidden ({"error": "not for you"}).\n'
            "  Check the secret that auth= names, and what it is allowed to see."
        ),
        "Ask for the right.",
        api,
        before=api,
    ),
    Kind(
        "An address that is not there",
        gives(lambda _: Reply({"error": "no such thing"}, 404)),
        (
            'project.py:4: https://api.example.com/v1/orders?page=1 refuses: it answers 404 Not Found ({"error": "no such '
            'thing"}).\n'
            "  Check url=. If the API answers so past its last page, say with total= where it counts its rows."
        ),
        "Correct the address.",
        api,
        before=api,
    ),
    Kind(
        "Too many requests, once",
        _busy_once,
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates",
        "Nothing: it waits as long as it is told to.",
        code=0,
        counts=ALL,
        mends=api,
    ),
    Kind(
        "Too many requests, again and again",
        gives(lambda _: _BUSY),
        (
            'project.py:4: https://api.example.com/v1/orders?page=1 cannot be reached: it answers 429 Too Many Requests ({"error": '
            '"slow down"}) (tried 2 times).\n'
            "  Check that it runs and can be reached from here, then run again: what was landed before is kept."
        ),
        _AGAIN,
        api,
        3,
        before=api,
    ),
    Kind(
        "An API that is broken, again and again",
        gives(lambda _: Reply({"error": "oh"}, 500)),
        (
            "project.py:4: https://api.example.com/v1/orders?page=1 cannot be reached: it answers 500 Internal Server Error "
            '({"error": "oh"}) (tried 2 times).\n'
            "  Check that it runs and can be reached from here, then run again: what was landed before is kept."
        ),
        _AGAIN,
        api,
        3,
        before=api,
    ),
    Kind(
        "HTML in the place of JSON",
        gives(lambda _: _HTML),
        (
            "project.py:4: https://api.example.com/v1/orders?page=1 is not what was declared: the answer of type text/html is no "
            "JSON (JSON is malformed: invalid character (byte 0)); it begins with '<html><body>Please log in</body></html>' (tried "
            "once).\n"
            "  Check url= and headers=: a sign-in page or an error page comes as HTML. What was cut may be whole the next time."
        ),
        "Correct the address.",
        api,
        before=api,
    ),
    Kind(
        "Half a page: the answer is cut off",
        second(Reply({"orders": objects()[_HALF:]}, cut=200)),
        (
            "project.py:4: https://api.example.com/v1/orders?page=2 cannot be reached: the answer broke off (IncompleteRead) "
            "(tried 2 times).\n"
            "  Check that it runs and can be reached from here, then run again: what was landed before is kept."
        ),
        _AGAIN,
        api,
        3,
        before=api,
    ),
    Kind(
        "Half a page: JSON that ends too early",
        second(Reply(raw=_TOO_SHORT)),
        (
            "project.py:4: https://api.example.com/v1/orders?page=2 is not what was declared: the answer of type application/json "
            "is no JSON (Input data was truncated); it begins as JSON does (tried 2 times).\n"
            "  Check url= and headers=: a sign-in page or an error page comes as HTML. What was cut may be whole the next time."
        ),
        "Run again; else ask whose API it is.",
        api,
        before=api,
    ),
    Kind(
        "An answer without the rows",
        gives(lambda _: Reply({"data": objects()})),
        (
            "project.py:4: https://api.example.com/v1/orders?page=1 is not what was declared: there is nothing under 'orders'; the "
            "answer is an object with the keys 'data'.\n"
            "  Say with rows= which keys lead to the list of rows, as in rows='data.items'."
        ),
        "Correct `rows=`.",
        api,
        before=api,
    ),
    Kind(
        "Pages without an end",
        gives(lambda _: Reply({"orders": objects()})),
        (
            "project.py:4: https://api.example.com/v1/orders?page=2 is not what was declared: this page has the same rows as the "
            "one before it: it would never end.\n"
            "  Check paging=: the API does not know that parameter, or repeats its last page; then say with total= where it counts "
            "its rows."
        ),
        "Correct `paging=`.",
        api,
        before=api,
    ),
    Kind(
        "Fewer rows than the API says there are",
        steps(lambda place: declared(place, 'retries=1, total="total"'), second(Reply({"orders": [], "total": 40}))),
        (
            "project.py:4: https://api.example.com/v1/orders?page=1 is not what was declared: 'total' gives a count of 40 rows, "
            "but 20 came.\n"
            "  If rows were added or removed while it was read, run again; else check paging= and total=."
        ),
        "Run again.",
        api,
        before=api,
    ),
    Kind(
        "The API sends us to another server",
        gives(lambda _: Reply({}, 302, {"Location": "https://elsewhere.example.com/v1/orders"})),
        (
            "project.py:4: https://api.example.com/v1/orders?page=1 refuses: it redirects to "
            "https://elsewhere.example.com/v1/orders.\n"
            "  What is sent to one server is not sent on to another: if you trust that one, write its address in the source."
        ),
        "Write the new address, if it is right.",
        api,
        before=api,
    ),
    Kind(
        "A field of the answer was renamed",
        one_page(_RENAMED),
        (
            "step 'ingest:orders' failed: project.py:5: the source of table 'orders' has no column 'amount', which the contract "
            "pins as float.\n"
            "  Valid: email, items, order_id, placed, returned, settled, "
            "total. 'total' is new and like it: if that is its name now, evolve=hr.Evolve(rename={'amount': 'total'}). "
            "If it is gone for good: "
            'evolve=hr.Evolve(remove="null").'
        ),
        "Say so: `evolve=hr.Evolve(rename={...})`.",
        lambda place: place.replace("project.py", 'id="order_id"', 'id="order_id", evolve=hr.Evolve(rename={"total": "amount"})'),
        before=api,
    ),
    Kind(
        "A number of the answer became a text",
        one_page(_MIXED),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (types: 1; type of amount is float: 1)",
        "Mend the row.",
        api,
        0,
        Counts(39, 1),
        before=api,
        reasons=("column amount is 'n/a', not a number",),
    ),
    Kind(
        "An answer that is too large",
        steps(lambda place: declared(place, "retries=1, max_response_mb=1"), gives(lambda _: Reply({"orders": ["x" * (2 << 20)]}))),
        (
            "project.py:4: https://api.example.com/v1/orders?page=1 refuses: one answer is larger than 1 MiB.\n"
            "  Ask for smaller pages (paging=), or raise max_response_mb=."
        ),
        "Ask for smaller pages, or raise `max_response_mb=`.",
        api,
        before=api,
    ),
    Kind(
        "An API that hangs",
        steps(lambda place: declared(place, 'retries=0, timeout="200ms"'), second(Reply({"orders": []}, pause_seconds=0.4))),
        (
            "project.py:4: https://api.example.com/v1/orders?page=2 cannot be reached: the answer broke off (no answer within the "
            "time limit) (tried once).\n"
            "  Check that it runs and can be reached from here, then run again: what was landed before is kept."
        ),
        _AGAIN,
        api,
        3,
        before=api,
    ),
)
