"""Settings: one table of them, where they come from, what each may be."""
