"""The commands of the console script. Each returns its exit code."""
