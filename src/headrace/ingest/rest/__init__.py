"""Asking an API that answers with JSON over HTTP: one connection, careful about secrets, patient, and never short of a row in silence."""
