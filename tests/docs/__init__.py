"""The README and everything under docs/, held against the code and run."""
