"""The session as a whole, in the plain process or pytest-xdist's controller."""
