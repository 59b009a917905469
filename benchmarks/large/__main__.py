"""`python -m benchmarks.large`."""

from benchmarks.large.measuring import main

if __name__ == "__main__":
    main()
