"""Two nodes of one installation: what they must share, and what they disagree about."""
