"""The quarterly review: pictures and pages for the person who decides whether to go on."""
