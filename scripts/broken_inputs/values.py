"""Rows whose values are not what they should be, and tables whose columns are not."""

from broken_inputs.kinds import ALL, NO_ROWS, Counts, Kind, declares, holds, steps
from broken_inputs.place import changed, csv, good, orders, renamed, without

_DECIMAL_COMMAS = csv([{**each, "amount": each["amount"].replace(".", ",")} for each in orders()], ";")
_DATES = csv([{**each, "placed": f"{each['placed'][8:10]}.01.2026 10:00"} for each in orders()])
_NAIVE = csv([{**each, "placed": each["placed"].rstrip("Z")} for each in orders()])
_DECIMALS = csv([{**each, "items": "2.5"} if number >= 30 else each for number, each in enumerate(orders())])
_BERLIN = 'hr.File("orders.csv", timezone="Europe/Berlin")'
_GAP = changed(3, placed="2026-03-29T02:30:00", settled="2026-04-01T10:00:00Z")
_TWICE = changed(3, placed="2025-10-26T02:30:00")
_PINNED = 'types={"amount": "float"}'

VALUES = (
    Kind(
        "Only a header",
        holds(csv().partition("\n")[0] + "\n"),
        NO_ROWS,
        "Export the rows too.",
        counts=Counts(0),
    ),
    Kind(
        "Only a header, since the last run",
        holds(csv().partition("\n")[0] + "\n"),
        NO_ROWS,
        "Export the rows too.",
        counts=Counts(0),
        before=good,
    ),
    Kind(
        "Only one row",
        holds(csv(orders()[:1])),
        (
            "step 'train:returned.baseline' failed: the target is true in the one train row (rows: 1 train, 0 validation, 0 test).\n"
            "  Check the target against the column's values (headrace show TABLE tells them), or make the part larger."
        ),
        "Give it more rows.",
        counts=Counts(1),
    ),
    Kind(
        "A column that the contract names is missing",
        holds(without("placed")),
        (
            "step 'ingest:orders' failed: project.py:5: time= of table 'orders' names 'placed', which is no column of it.\n"
            "  Valid: amount, email, items, order_id, returned, settled."
        ),
        "Add the column, or correct the name.",
    ),
    Kind(
        "A column that a feature uses is missing",
        holds(without("amount")),
        (
            "step 'features:returned' failed: project.py:6: given= of the features on 'orders': there is no column 'amount'.\n"
            "  Valid: _arrival, _ingested, email, items, order_id, placed, returned, settled."
        ),
        "Add the column, or correct the name.",
        counts=ALL,
    ),
    Kind(
        "A column was renamed since the last run",
        holds(renamed("amount", "total")),
        (
            "step 'ingest:orders' failed: project.py:5: the source of table 'orders' has no column 'amount', which the contract "
            "pins as float.\n"
            "  Valid: email, items, order_id, placed, returned, settled, "
            "total. 'total' is new and like it: if that is its name now, evolve=hr.Evolve(rename={'amount': 'total'}). "
            "If it is gone for good: "
            'evolve=hr.Evolve(remove="null").'
        ),
        "Say so: `evolve=hr.Evolve(rename={...})`.",
        declares(table='evolve=hr.Evolve(rename={"total": "amount"})'),
        before=good,
    ),
    Kind(
        "A column is gone since the last run",
        holds(without("items")),
        (
            "step 'ingest:orders' failed: project.py:5: the source of table 'orders' has no column 'items', which the contract "
            "pins as int.\n"
            '  Valid: amount, email, order_id, placed, returned, settled. If it is gone for good: evolve=hr.Evolve(remove="null").'
        ),
        'Put it back, or let it go: `remove="null"`.',
        declares(table='evolve=hr.Evolve(remove="null")'),
        before=good,
    ),
    Kind(
        "A column is new since the last run",
        holds(csv([{**each, "shop": "s1"} for each in orders()])),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates (shop is new)",
        "Nothing.",
        code=0,
        counts=ALL,
        before=good,
    ),
    Kind(
        "A column is new, and the contract refuses it",
        steps(declares(table='evolve=hr.Evolve(add="refuse")'), holds(csv([{**each, "shop": "s1"} for each in orders()]))),
        (
            "step 'ingest:orders' failed: project.py:5: the source of table 'orders' has new columns: 'shop'.\n"
            '  evolve=hr.Evolve(add="accept") takes them in, add="ignore" leaves them out.'
        ),
        "Take it out, or accept it.",
        declares(table='evolve=hr.Evolve(add="accept")'),
        before=lambda place: place.declare(table='evolve=hr.Evolve(add="refuse")'),
    ),
    Kind(
        "A text in the last row of a column of numbers, the first time",
        holds(changed(39, amount="n/a")),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates (amount is text)",
        "Name what means null, or the type.",
        declares('hr.File("orders.csv", null_values="n/a")'),
        0,
        ALL,
    ),
    Kind(
        "A text in the last row of a column of numbers, since the last run",
        holds(changed(39, amount="n/a")),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (types: 1; type of amount is float: 1)",
        "Mend the row, or name what means null.",
        declares('hr.File("orders.csv", null_values="n/a")'),
        0,
        Counts(39, 1),
        before=good,
        reasons=("column amount is 'n/a', not a number",),
    ),
    Kind(
        "A text in the last row of a column whose type is declared",
        steps(declares(table=_PINNED), holds(changed(39, amount="n/a"))),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (types: 1; type of amount is float: 1)",
        "Mend the row.",
        code=0,
        counts=Counts(39, 1),
        reasons=("column amount is 'n/a', not a number",),
    ),
    Kind(
        "Numbers became texts in all rows since the last run",
        holds(changed(amount="12 EUR")),
        NO_ROWS,
        "Mend the column.",
        counts=Counts(0, 40),
        before=good,
        reasons=("column amount is '12 EUR', not a number",),
    ),
    Kind(
        "Whole numbers became decimals since the last run",
        holds(_DECIMALS),
        "40 rows in = 30 accepted + 10 quarantined + 0 duplicates (types: 10; type of items is int: 10)",
        'Accept it: `evolve=hr.Evolve(widen="accept")`.',
        declares(table='evolve=hr.Evolve(widen="accept")'),
        0,
        Counts(30, 10),
        before=good,
        reasons=("column items is '2.5', not a whole number",),
    ),
    Kind(
        "Decimal commas that are not declared",
        steps(declares('hr.File("orders.csv", separator=";")'), holds(_DECIMAL_COMMAS)),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates (amount is text)",
        'Add `decimal=","`.',
        declares('hr.File("orders.csv", separator=";", decimal=",")'),
        0,
        ALL,
    ),
    Kind(
        "Dates in a format that is not declared",
        holds(_DATES),
        (
            "step 'ingest:orders' failed: project.py:5: the column 'placed' of table 'orders' says when, but is string.\n"
            "  Make it a datetime, for example: columns={'placed': col('placed').parse_datetime('%d/%m/%Y %H:%M')}; or pin it, so "
            "that rows whose text is none are set aside: types={'placed': 'datetime'}."
        ),
        "Add `dates=`.",
        declares('hr.File("orders.csv", dates="%d.%m.%Y %H:%M")'),
    ),
    Kind(
        "A date that no calendar has",
        holds(changed(3, placed="2026-02-30T10:00:00Z")),
        (
            "step 'ingest:orders' failed: project.py:5: the column 'placed' of table 'orders' says when, but is string.\n"
            "  Make it a datetime, for example: columns={'placed': col('placed').parse_datetime('%d/%m/%Y %H:%M')}; or pin it, so "
            "that rows whose text is none are set aside: types={'placed': 'datetime'}."
        ),
        "Pin the type: the row is then set aside.",
        declares(table='types={"placed": "datetime"}'),
        mended=Counts(39, 1),
    ),
    Kind(
        "A date that no calendar has, since the last run",
        holds(changed(3, placed="2026-02-30T10:00:00Z")),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (types: 1; type of placed is datetime: 1)",
        "Mend the row.",
        code=0,
        counts=Counts(39, 1),
        before=good,
        reasons=("column placed is '2026-02-30T10:00:00Z', not a datetime",),
    ),
    Kind(
        "Times without a zone",
        holds(_NAIVE),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates (placed has no zone)",
        "Name the zone.",
        declares('hr.File("orders.csv", timezone="Europe/Berlin")'),
        0,
        ALL,
    ),
    Kind(
        "A time that clocks skipped",
        steps(declares(_BERLIN), holds(_GAP)),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (types: 1)",
        'Mend the row, or `nonexistent="null"`.',
        code=0,
        counts=Counts(39, 1),
        reasons=("column placed is '2026-03-29T02:30:00', a time that clocks in Europe/Berlin skip: it never was",),
    ),
    Kind(
        "A time that clocks showed twice",
        steps(declares(_BERLIN), holds(_TWICE)),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (types: 1)",
        'Choose: `ambiguous="earliest"`.',
        declares('hr.File("orders.csv", timezone="Europe/Berlin", ambiguous="earliest")'),
        0,
        Counts(39, 1),
        reasons=(
            "column placed is '2025-10-26T02:30:00', a time that clocks in Europe/Berlin show twice: "
            "say which with ambiguous='earliest' or 'latest'",
        ),
    ),
    Kind(
        "Two rows with one id",
        holds(changed(3, order_id="o2")),
        "40 rows in = 39 accepted + 0 quarantined + 1 duplicate",
        "Mend the row.",
        code=0,
        counts=Counts(39, 0, 1),
    ),
    Kind(
        "A row without its id",
        holds(changed(3, order_id="")),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (order_id of the id is null: 1)",
        "Mend the row.",
        code=0,
        counts=Counts(39, 1),
        reasons=("order_id of the id is null",),
    ),
    Kind(
        "A row without its time",
        holds(changed(3, placed="")),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (time placed is null: 1)",
        "Mend the row.",
        code=0,
        counts=Counts(39, 1),
        reasons=("time placed is null",),
    ),
    Kind(
        "A row that is known before its time",
        holds(changed(3, settled="2025-12-31T10:00:00Z")),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (known before time (settled < placed): 1)",
        "Mend the row.",
        code=0,
        counts=Counts(39, 1),
        reasons=("known before time (settled < placed)",),
    ),
    Kind(
        "Every row is set aside",
        holds(changed(settled="2025-12-31T10:00:00Z")),
        NO_ROWS,
        "Mend the source.",
        counts=Counts(0, 40),
        reasons=("known before time (settled < placed)",),
    ),
    Kind(
        "A row breaks a rule that sets it aside",
        steps(declares(table='expect=[hr.between("amount", 0, 1000)]'), holds(changed(3, amount="-5"))),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (between(amount, 0, 1000): 1)",
        "Mend the row, or the rule.",
        code=0,
        counts=Counts(39, 1),
        reasons=("between(amount, 0, 1000)",),
    ),
    Kind(
        "A row breaks a rule that stops",
        steps(declares(table='expect=[hr.between("amount", 0, 1000, severity="stop")]'), holds(changed(3, amount="-5"))),
        (
            "step 'ingest:orders' failed: project.py:5: table 'orders' breaks its contract, and nothing was written. "
            "between(amount, 0, 1000): 1 of 40 rows.\n"
            "  Mend the source, or give the rule another severity: 'quarantine' sets rows aside, 'warn' counts them. For example:\n"
            '  {"order_id":"o3","amount":-5.0,"items":4,"email":"pn_...","placed":"2026-01-04T10:00:00+00:00","settled":"2026-02-04'
            'T10:00:00+00:00","returned":"yes"}'
        ),
        "Mend the row, or the rule.",
    ),
    Kind(
        "Fewer rows than the contract wants",
        steps(declares(table="expect=[hr.rows(30)]"), holds(csv(orders()[:20]))),
        (
            "step 'ingest:orders' failed: project.py:5: table 'orders' breaks its contract, and nothing was written. rows(30, "
            "None): 20 rows.\n"
            "  Mend the source, or give the rule another severity: 'quarantine' sets rows aside, 'warn' counts them."
        ),
        "Export all rows.",
    ),
    Kind(
        "A number larger than 64 bits hold",
        holds(changed(3, items="99999999999999999999")),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates (items is text)",
        "Mend the row; or keep it as text.",
        code=0,
        counts=ALL,
    ),
    Kind(
        "A number larger than 64 bits hold, since the last run",
        holds(changed(3, items="99999999999999999999")),
        "40 rows in = 39 accepted + 1 quarantined + 0 duplicates (types: 1; type of items is int: 1)",
        "Mend the row.",
        code=0,
        counts=Counts(39, 1),
        before=good,
        reasons=("column items is '99999999999999999999', not a whole number",),
    ),
    Kind(
        "Infinite numbers and NaN",
        holds(changed(3, 4, amount="inf").replace("15.5", "NaN")),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates",
        "They are kept. A rule sets them aside: `hr.between`.",
        declares(table='expect=[hr.between("amount", 0, 1000)]'),
        0,
        ALL,
        mended=Counts(37, 3),
    ),
    Kind(
        "A column with no value in it",
        holds(changed(items="")),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates",
        "Nothing.",
        code=0,
        counts=ALL,
    ),
    Kind(
        "A feature's column with no value in it",
        holds(changed(amount="")),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates",
        "Export the values.",
        code=0,
        counts=ALL,
    ),
    Kind(
        "The target has one class",
        holds(changed(returned="no")),
        (
            "step 'train:returned.baseline' failed: the target is false in all 24 train rows (rows: 24 train, 8 validation, 8 "
            "test).\n"
            "  Check the target against the column's values (headrace show TABLE tells them), or make the part larger."
        ),
        "Give it rows of both.",
        counts=ALL,
    ),
    Kind(
        "The target is null in every row",
        holds(changed(returned="")),
        (
            "step 'train:returned.baseline' failed: the target is null in all 40 rows.\n"
            "  Check the target against the column's values: headrace show TABLE tells them."
        ),
        "Export the target.",
        counts=ALL,
    ),
)
