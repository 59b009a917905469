"""Sources that are followed: what they bring, and the door it comes in by."""
