"""Wiring: settings, the lifecycle (which step follows which), and the services that every face calls. Only here are backends chosen."""
