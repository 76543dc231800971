"""Configuration: the environment, the `.env` file, projects, and how sessions are addressed."""
