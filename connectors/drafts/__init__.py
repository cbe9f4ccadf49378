"""A first draft of a mapping file, guessed from raw files: every guess with its reason and what to check."""
