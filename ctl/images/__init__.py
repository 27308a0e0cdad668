"""What repositories hold, and how something of it is deleted so that it can be brought back; no settings."""
