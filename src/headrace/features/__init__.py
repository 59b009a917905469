"""Features, computed alike in batch (`batch`) and online (`online`, from a `state` that `publish` builds), after one `plan`."""
