"""Updates on their way in: polling, journal, access, dispatch."""
