"""Setting samobot up: what `samobot init` finds out, and what it writes at the very end."""
