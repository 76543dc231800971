"""The picture of a run: its events, the time scale, and the drawing."""
