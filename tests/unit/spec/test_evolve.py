"""The rules by which a table follows its source."""

import pytest

from headrace.core.fingerprints import fingerprint
from headrace.spec.errors import InvalidOption, SpecError
from headrace.spec.evolve import Evolve
from headrace.spec.sources import File
from headrace.spec.tables import Events


def test_a_table_has_rules_without_being_told():
    found = Events("t", source=File("t.csv")).evolution
    assert (found.add, found.widen, found.remove, dict(found.rename)) == ("accept", "quarantine", "refuse", {})


@pytest.mark.parametrize("options", [{"add": "yes"}, {"widen": "null"}, {"remove": "accept"}])
def test_an_unknown_rule_lists_the_valid_ones(options):
    with pytest.raises(InvalidOption, match=r"of Evolve\(\) cannot be") as raised:
        Evolve(**options)
    assert "'refuse'" in raised.value.remedy
    assert raised.value.location.file == __file__


def test_names_are_not_renamed_in_chains():
    with pytest.raises(SpecError, match="renames 'b' and to 'b'"):
        Evolve(rename={"a": "b", "b": "c"})


def test_where_it_was_written_does_not_count():
    assert fingerprint(Evolve(add="ignore")) == fingerprint(Evolve(add="ignore"))
    assert fingerprint(Evolve(add="ignore")) != fingerprint(Evolve())
