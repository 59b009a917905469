"""What Headrace claims to be quick or right about, measured. `python -m benchmarks` runs all; each module runs by itself too."""
