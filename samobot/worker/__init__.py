"""The loop: `samobot run`, one session from iteration to iteration."""
