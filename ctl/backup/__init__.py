"""Backups of a node, and of its images while the registry serves; restored onto this or another machine."""
