"""A strict Bot API server, a scripted agent and a web chat, for the demo and the tests.

Not part of the product's path: only the demo command and the tests start it.
"""
