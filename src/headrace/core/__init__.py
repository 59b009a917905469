"""Ground floor: ids, clock, errors, fingerprints, money, units. Standard library and msgspec only."""
