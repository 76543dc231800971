"""Asks the weather service."""

import os
import sys


def main():
    """Print the answer for a city."""
    if "WEATHER_API_KEY" not in os.environ:
        sys.exit("WEATHER_API_KEY is not set")
    sys.exit("the service cannot be reached from here")


if __name__ == "__main__":
    main()
