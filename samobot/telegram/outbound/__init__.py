"""Messages on their way out: outbox, rate limit, delivery."""
