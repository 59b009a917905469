"""Seeds."""

import pytest

from headrace.core.seeds import derive_seed


def test_a_seed_is_the_same_for_ever():
    assert derive_seed(0) == 0x5FECEB66
    assert derive_seed(7, "late", "split") == derive_seed(7, "late", "split")


@pytest.mark.parametrize("other", [(8, "late", "split"), (7, "late"), (7, "latesplit"), (7, "late/5:split"), (7, "split", "late")])
def test_every_use_has_its_own(other):
    assert derive_seed(*other) != derive_seed(7, "late", "split")


def test_seeds_have_32_bits():
    seeds = [derive_seed(1, str(use)) for use in range(200)]
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert max(seeds) > 2**31
