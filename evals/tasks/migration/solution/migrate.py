"""Migration of configurations."""


def migrate(config):
    """The configuration as version 2."""
    if config.get("version", 1) == 2:
        return dict(config)
    host, _, port = config["server"].rpartition(":")
    rest = {key: value for key, value in config.items() if key != "server"}
    return {**rest, "version": 2, "host": host.strip("[]"), "port": int(port)}
