"""What is on disk: session directories, the journal of cases, locks and targets."""
