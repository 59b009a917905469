"""Places in the user's code."""

from headrace.core.locations import Location, caller_location


def test_the_callers_own_line_is_found():
    here = caller_location()
    assert here is not None
    assert here.file == __file__
    assert str(Location("project.py", 12)) == "project.py:12"


def test_generated_code_is_passed_over():
    scope: dict[str, object] = {"caller_location": caller_location}
    exec(compile("found = caller_location()", "<generated>", "exec"), scope)
    found = scope["found"]
    assert isinstance(found, Location)
    assert found.file == __file__
