"""Mistakes in project.py."""

from broken_inputs.kinds import Kind, declares, gone, holds, replaces

DESCRIPTIONS = (
    Kind(
        "There is no project.py",
        gone("project.py"),
        (
            "there is no project file project.py.\n"
            "  Go to the folder of a project.py, name one with --project, or write one: headrace init data.csv --target COLUMN "
            "--output FOLDER"
        ),
        "Go to its folder, or name it with `--project`.",
    ),
    Kind(
        "project.py is empty",
        holds("", "project.py"),
        ("project.py:1: project.py declares no hr.Project.\n  End the file with one: project = hr.Project('name', models=[...])"),
        "Write the description.",
    ),
    Kind(
        "project.py has a syntax error",
        replaces('id="order_id",', 'id="order_id'),
        ("project.py:5: SyntaxError: unterminated string literal (detected at line 5)\n  Mend that line and run the command again."),
        "Mend the line.",
    ),
    Kind(
        "project.py raises an error",
        replaces("source = ", "shops = 1 / 0\nsource = "),
        "project.py:4: ZeroDivisionError: division by zero\n  Mend that line and run the command again.",
        "Mend the line.",
    ),
    Kind(
        "project.py imports what is not installed",
        replaces("import headrace as hr", "import headrace as hr\nimport shoptools"),
        ("project.py:2: ModuleNotFoundError: No module named 'shoptools'\n  Mend that line and run the command again."),
        "Install it, or take the line out.",
    ),
    Kind(
        "An option that is not there",
        replaces("id=", "ids="),
        (
            "project.py:5: TypeError: Unexpected keyword argument 'ids'\n"
            "  Did you mean 'id'? Valid: columns, evolve, expect, id, keep_versions, known, name, personal, source, time, types."
        ),
        "Correct its name.",
    ),
    Kind(
        "A name of Headrace that is not there",
        replaces("hr.Events", "hr.Event"),
        ("project.py:5: AttributeError: module 'headrace' has no attribute 'Event'\n  Did you mean 'Events'? Valid: ... and more."),
        "Correct it.",
    ),
    Kind(
        "A column of a feature is misspelt",
        replaces('col("amount")', 'col("amuont")'),
        (
            "project.py:6: feature 'amount' uses the column 'amuont' of 'orders', which the asker is not said to supply.\n"
            "  Did you mean 'amount'? If it is known when the question is asked, add it to given=; else use hr.window or "
            "hr.latest. Given: amount, placed."
        ),
        "Correct it.",
    ),
    Kind(
        "A column of the contract is misspelt",
        replaces('time="placed"', 'time="place"'),
        (
            "step 'ingest:orders' failed: project.py:5: time= of table 'orders' names 'place', which is no column of it.\n"
            "  Did you mean 'placed'? Valid: amount, email, items, order_id, placed, returned, settled."
        ),
        "Correct it.",
    ),
    Kind(
        "A type that is not there",
        declares(table='types={"amount": "decimal"}'),
        (
            "project.py:5: types= of table 'orders', column 'amount': there is no type 'decimal'.\n"
            "  Valid: bool, datetime, duration, float, int, null, string."
        ),
        "Take one that is.",
    ),
    Kind(
        "A time zone that is not there",
        declares('hr.File("orders.csv", timezone="Europe/Berlyn")'),
        (
            "project.py:4: the timezone of File('orders.csv') cannot be 'Europe/Berlyn'.\n"
            "  Expected a zone of the time zone database, such as 'Europe/Berlin'."
        ),
        "Correct it.",
    ),
    Kind(
        "An encoding that is not there",
        declares('hr.File("orders.csv", encoding="utf8-bomb")'),
        (
            "project.py:4: the encoding of File('orders.csv') cannot be 'utf8-bomb'.\n"
            "  Expected utf-8, utf-16, cp1252, latin-1 or another text encoding of Python."
        ),
        "Correct it.",
    ),
    Kind(
        "A feature that would know the future",
        replaces('"amount": col("amount")', '"amount": col("returned")'),
        (
            "project.py:6: feature 'amount' uses the column 'returned' of 'orders', which the asker is not said to supply.\n"
            "  If it is known when the question is asked, add it to given=; else use hr.window or hr.latest. Given: amount, placed."
        ),
        "Leave it out.",
    ),
)
