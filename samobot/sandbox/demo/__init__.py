"""The demo: sandbox server, scripted agent, sample repository and the real bot."""
