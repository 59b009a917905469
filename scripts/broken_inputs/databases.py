"""Databases that do not answer, do not let us in, or are not what was declared."""

import sqlite3

import psycopg

from broken_inputs.kinds import NO_ROWS, Counts, Kind, Step, declares, replaces, steps
from broken_inputs.place import HEADER, SECRET, Place, objects

_SQLITE = 'hr.SQL("sqlite:///shop.db", table="orders")'
_IMPATIENT = 'hr.SQL("sqlite:///shop.db?timeout=0.1", table="orders")'
_CURSOR = 'hr.SQL("sqlite:///shop.db", table="orders", cursor="seq")'
_JOIN = "SELECT a.*, b.amount FROM orders a JOIN orders b ON a.seq = b.seq"
_TABLE = "CREATE TABLE orders (seq INTEGER PRIMARY KEY, {})".format(
    ", ".join(f"{name} {kind}" for name, kind in zip(HEADER, ("TEXT", "REAL", "INTEGER", "TEXT", "TEXT", "TEXT", "TEXT"), strict=True))
)


def sqlite(place: Place, source: str = _SQLITE) -> None:
    """The orders are in a SQLite file, and the project reads them there."""
    place.declare(source)
    (place.folder / "shop.db").unlink(missing_ok=True)
    ask(place, "DROP TABLE IF EXISTS orders", _TABLE)
    rows = [[number, *each.values()] for number, each in enumerate(objects())]
    shop = sqlite3.connect(place.folder / "shop.db")
    with shop:
        shop.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    shop.close()


def ask(place: Place, *statements: str) -> None:
    """Change the SQLite file."""
    shop = sqlite3.connect(place.folder / "shop.db")
    with shop:
        for statement in statements:
            shop.execute(statement)
    shop.close()


def in_sqlite(*statements: str) -> Step:
    """Change the SQLite file in a step."""
    return lambda place: ask(place, *statements)


def _with_cursor(place: Place) -> None:
    sqlite(place, _CURSOR)


def _postgres(place: Place) -> None:
    """The orders are in Postgres, and a user that may read them has the secret as a password."""
    host = place.database.rpartition("@")[2]
    place.declare(f'hr.SQL("postgresql://clerk:${{SHOP_WORD}}@{host}", table="orders")')
    place.environment["SHOP_WORD"] = SECRET
    rows = [[number, *each.values()] for number, each in enumerate(objects())]
    with psycopg.connect(place.database, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS orders")
        connection.execute(_TABLE.replace("TEXT", "text").encode())
        connection.cursor().executemany(b"INSERT INTO orders VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", rows)
        clerk = f"CREATE ROLE clerk LOGIN PASSWORD '{SECRET}'"
        connection.execute(f"DO $$ BEGIN {clerk}; EXCEPTION WHEN duplicate_object THEN NULL; END $$".encode())
        connection.execute("GRANT SELECT ON orders TO clerk")


def in_postgres(statement: str) -> Step:
    """Change the database in a step."""

    def change(place: Place) -> None:
        with psycopg.connect(place.database, autocommit=True) as connection:
            connection.execute(statement.encode())

    return change


def _password(word: str | None) -> Step:
    def change(place: Place) -> None:
        place.environment.pop("SHOP_WORD", None)
        if word:
            place.environment["SHOP_WORD"] = word

    return change


def _elsewhere(place: Place) -> None:
    """The server is said to be where nobody listens."""
    place.replace("project.py", f":{place.postgres.port}/", ":1/")


def _lock(place: Place) -> None:
    place.holder = sqlite3.connect(place.folder / "shop.db", isolation_level=None)
    place.holder.execute("BEGIN EXCLUSIVE")


def _unlock(place: Place) -> None:
    assert place.holder is not None
    place.holder.close()


DATABASES = (
    Kind(
        "A database's file that is not there",
        steps(sqlite, declares('hr.SQL("sqlite:///shp.db", table="orders")')),
        ("project.py:4: there is no file shp.db.\n  Did you mean 'shop.db'? Valid: orders.csv, project.py, shop.db."),
        "Correct the url.",
        sqlite,
    ),
    Kind(
        "A database's file that is none",
        steps(sqlite, lambda place: place.write("shop.db", "order_id,amount\n" * 200)),
        (
            "project.py:4: sqlite:///shop.db, table orders is not what was declared: file is not a database.\n"
            "  Check the path in the url: it must name a SQLite database."
        ),
        "Put the database there.",
        sqlite,
    ),
    Kind(
        "No such table",
        steps(sqlite, declares('hr.SQL("sqlite:///shop.db", table="order")')),
        (
            "project.py:4: sqlite:///shop.db, table order is not what was declared: there is no table 'order'.\n"
            "  Did you mean 'orders'? Valid: orders."
        ),
        "Correct the name.",
        sqlite,
    ),
    Kind(
        "A query with a mistake",
        steps(sqlite, declares('hr.SQL("sqlite:///shop.db", query="SELEC * FROM orders")')),
        (
            'project.py:4: sqlite:///shop.db, a query is not what was declared: near "*": syntax error.\n'
            "  Mend the query; the words are the database's."
        ),
        "Mend the query.",
        declares('hr.SQL("sqlite:///shop.db", query="SELECT * FROM orders")'),
    ),
    Kind(
        "A query for a column that is not there",
        steps(sqlite, declares('hr.SQL("sqlite:///shop.db", query="SELECT nope FROM orders")')),
        (
            "project.py:4: sqlite:///shop.db, a query is not what was declared: no such column: nope.\n"
            "  Mend the query; the words are the database's."
        ),
        "Mend the query.",
        declares('hr.SQL("sqlite:///shop.db", query="SELECT * FROM orders")'),
    ),
    Kind(
        "Two columns of one name in a query",
        steps(_postgres, replaces('table="orders"', f'query="{_JOIN}"')),
        (
            "project.py:4: postgresql://clerk:${SHOP_WORD}@db.example.com/shop, a query is not what was declared: it gives several "
            "columns called 'amount'.\n"
            "  Rename all but one: SELECT a AS b."
        ),
        "Name them apart with AS.",
        _postgres,
    ),
    Kind(
        "The database is locked",
        steps(lambda place: sqlite(place, _IMPATIENT), _lock),
        (
            "project.py:4: sqlite:///shop.db?timeout=0.1, table orders cannot be reached: database is locked.\n"
            "  Check that it runs and can be reached from here, then run again: what was landed before is kept."
        ),
        "Wait, or end who holds it; then run again.",
        _unlock,
        3,
    ),
    Kind(
        "The cursor's column is gone",
        in_sqlite(
            "CREATE TABLE other AS SELECT * FROM orders",
            "DROP TABLE orders",
            "ALTER TABLE other DROP COLUMN seq",
            "ALTER TABLE other RENAME TO orders",
        ),
        (
            "project.py:4: sqlite:///shop.db, table orders is not what was declared: cursor= names 'seq', which it has not.\n"
            "  Valid: amount, email, items, order_id, placed, returned, settled."
        ),
        "Name another cursor, or none.",
        sqlite,
        before=_with_cursor,
    ),
    Kind(
        "The schema changed: a column was renamed",
        in_sqlite("ALTER TABLE orders RENAME COLUMN amount TO total"),
        (
            "step 'ingest:orders' failed: project.py:5: the source of table 'orders' has no column 'amount', which the contract "
            "pins as float.\n"
            "  Valid: email, items, order_id, placed, returned, seq, settled, "
            "total. 'total' is new and like it: if that is its name now, evolve=hr.Evolve(rename={'amount': 'total'}). "
            "If it is gone for good: "
            'evolve=hr.Evolve(remove="null").'
        ),
        "Say so: `evolve=hr.Evolve(rename={...})`.",
        declares(_SQLITE, 'evolve=hr.Evolve(rename={"total": "amount"})'),
        before=sqlite,
    ),
    Kind(
        "A number became a text",
        in_sqlite("UPDATE orders SET amount = 'n/a' WHERE seq = 39"),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (types: 1; type of amount is float: 1)",
        "Mend the row.",
        sqlite,
        0,
        Counts(39, 1),
        before=sqlite,
        reasons=("column amount is 'n/a', not a number",),
    ),
    Kind(
        "The table has no rows",
        in_sqlite("DELETE FROM orders"),
        NO_ROWS,
        "Find out who emptied it.",
        sqlite,
        counts=Counts(0),
        before=sqlite,
    ),
    Kind(
        "Connection refused",
        steps(_postgres, _elsewhere),
        (
            "project.py:4: postgresql://clerk:${SHOP_WORD}@db.example.com/shop, table orders cannot be reached: connection failed: "
            'connection to server at "127.0.0.1", port 5432 failed: Connection refused.\n'
            "  Check that it runs and can be reached from here, then run again: what was landed before is kept."
        ),
        "Correct host and port, or start the server.",
        _postgres,
        3,
    ),
    Kind(
        "A wrong password",
        steps(_postgres, _password("an-0ld-w0rd")),
        (
            "project.py:4: postgresql://clerk:${SHOP_WORD}@db.example.com/shop, table orders refuses: connection failed: "
            'connection to server at "127.0.0.1", port 5432 failed: FATAL:  password authentication failed for user "clerk".\n'
            "  Check the user name, the password and what that user may read."
        ),
        "Set the right one.",
        _password(SECRET),
    ),
    Kind(
        "A secret that is not set",
        steps(_postgres, _password(None)),
        (
            "the secret ${SHOP_WORD} cannot be read: neither SHOP_WORD nor SHOP_WORD_FILE is set.\n"
            "  Set the environment variable SHOP_WORD, or set SHOP_WORD_FILE to the path of a file that holds it."
        ),
        "Set it.",
        _password(SECRET),
    ),
    Kind(
        "A table that the user may not read",
        steps(_postgres, in_postgres("REVOKE SELECT ON orders FROM clerk")),
        (
            "project.py:4: postgresql://clerk:${SHOP_WORD}@db.example.com/shop, table orders refuses: permission denied for table "
            "orders.\n"
            "  Check the user name, the password and what that user may read."
        ),
        "Grant it.",
        in_postgres("GRANT SELECT ON orders TO clerk"),
    ),
    Kind(
        "A table that is gone since the last run",
        in_postgres("ALTER TABLE orders RENAME TO orders_2026"),
        (
            "project.py:4: postgresql://clerk:${SHOP_WORD}@db.example.com/shop, table orders is not what was declared: there is no "
            "table 'orders'.\n"
            "  Did you mean 'orders_2026'? Valid: orders_2026."
        ),
        "Correct the name.",
        in_postgres("ALTER TABLE orders_2026 RENAME TO orders"),
        before=_postgres,
    ),
    Kind(
        "A password written into the project",
        lambda place: place.declare(f'hr.SQL("postgresql://clerk:{SECRET}@db.example.com/shop", table="orders")'),
        (
            "project.py:4: the url of SQL has a password in it, which would be kept wherever the project is.\n"
            "  Write ${NAME} in its place, and set the environment variable NAME, or NAME_FILE to a file that holds it."
        ),
        "Write `${NAME}`, and set it.",
        _postgres,
    ),
    Kind(
        "A driver that is not installed",
        declares('hr.SQL("mysql+pymysql://clerk@db.example.com/shop", table="orders")'),
        (
            "project.py:4: mysql+pymysql://clerk@db.example.com/shop, table orders refuses: the driver 'pymysql' is not installed.\n"
            "  Install it: pip install 'pymysql'."
        ),
        "Install it, or use what is there.",
        sqlite,
    ),
)
