"""Check for the one system library that the packages do not bring: GNU OpenMP, which LightGBM links to. Root on Debian installs it."""

import ctypes
import os
import shutil
import subprocess
import sys

LIBRARY = "libgomp.so.1"
PACKAGE = "libgomp1"


def main() -> None:
    """Leave with a message that names the next step if the library is missing and cannot be installed here."""
    if sys.platform != "linux" or is_there():
        return
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        print(f"LightGBM needs {LIBRARY}: installing the Debian package {PACKAGE}")
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", PACKAGE]):
            subprocess.run([apt, *arguments], check=True, stdout=subprocess.DEVNULL)
    if not is_there():
        sys.exit(f"LightGBM needs {LIBRARY}. Install it and run make again: apt-get install {PACKAGE}, or dnf install libgomp.")


def is_there() -> bool:
    """Tell whether the loader finds the library."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
