"""What differs between operating systems: one interface, for Linux and portable. It knows nothing else of samobot."""
