"""How well samobot's sessions do real tasks: tasks with hidden tests, played through the program, scored."""
