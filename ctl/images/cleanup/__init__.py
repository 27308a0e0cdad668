"""Removes tags by policies, as GitLab's clean-up does. It knows storages through the collector, and no settings."""
