"""Generated secrets: the file, the key pair of tokens, PEM."""
