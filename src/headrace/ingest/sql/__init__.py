"""Databases as sources, by SQLAlchemy."""
