"""Sessions on several machines: the hub reaches each host's fleet through one NATS server."""
