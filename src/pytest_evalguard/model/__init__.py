"""A case, and what any recorded value becomes: text, JSON data, scores, no secrets."""
