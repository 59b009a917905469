"""Sources into tables: files, contracts, profiling, quarantine, privacy at the door."""
