"""One iteration of the Claude CLI: how it is started, watched, stopped and judged."""
