"""`python -m samobot` is the same program as `samobot`."""

from samobot.cli import main

if __name__ == "__main__":
    main()
