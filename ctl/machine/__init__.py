"""This machine: who owns what, who may do what, where programs are."""
