"""How sessions and their events look as messages. Pure.

From a view of the fleet to text and buttons. No clock, store or network: all of it is passed in.
"""
