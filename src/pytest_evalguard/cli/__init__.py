"""The console script: its parser, and one module for each group of commands."""
