"""A strict Bot API server, a scripted agent and a web chat, for the demo and the tests."""
