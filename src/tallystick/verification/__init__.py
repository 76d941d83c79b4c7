"""Claims against records give verdicts."""
