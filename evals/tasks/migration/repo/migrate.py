"""Migration of configurations."""
