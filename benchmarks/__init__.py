"""How fast and how small samobot is, measured on the real program. `make bench` runs all of it."""
