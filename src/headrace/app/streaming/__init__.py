"""Following streams: from the source through the door and the online state into the lake, each row with effect exactly once."""
