"""Results on their way to services: frozen, sent until settled, sent again."""
