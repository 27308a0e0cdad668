"""Finds what is damaged in the storage of a registry, and repairs what can be, on every kind of storage."""
