"""How sessions and their events look as messages. Pure."""
