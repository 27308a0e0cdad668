"""What an administrator would ask by hand when something is wrong, each question one check."""
