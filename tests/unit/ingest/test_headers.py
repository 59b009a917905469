import pytest

from headrace.ingest.headers import seem_values


@pytest.mark.parametrize(
    "names",
    [
        ("o1", "10.5", "2026-01-01T10:00:00Z"),
        ("1,000", "ana@example.org"),
        ("2026-01-01", " -3 ", "Ulm"),
        ("ana@example.org", "2026-01-01 10:00"),
    ],
)
def test_a_row_of_values_is_no_header(names):
    assert seem_values(names)


@pytest.mark.parametrize(
    "names",
    [
        ("order_id", "amount"),
        ("shop", "2024", "2025"),  # one column a year
        ("shop", "2024-01-01", "2024-01-02"),  # one column a day
        ("", "a"),
        (),
    ],
)
def test_names_of_one_sort_are_a_header(names):
    assert not seem_values(names)
