"""Copies the images of a registry from one storage to another, and can be cut off and go on at any point."""
