"""What happens where a test runs: which tests are cases, and what becomes of each."""
