"""What the pages share: the shell around them, their state, and how things are drawn."""
