"""What "it happened" means: predicates and their two evaluators."""
