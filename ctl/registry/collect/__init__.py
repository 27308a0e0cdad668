"""Garbage collection: what must survive, what goes, and how the registry is kept from harm meanwhile."""
