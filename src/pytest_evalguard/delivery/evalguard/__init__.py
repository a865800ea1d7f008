"""EvalGuard: runs that are fed with batches of rows."""
