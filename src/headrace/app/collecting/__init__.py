"""Collecting what nothing needs: what is needed, what that leaves, and freeing it."""
