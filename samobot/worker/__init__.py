"""The worker loop of `samobot run`: one session from iteration to iteration."""
