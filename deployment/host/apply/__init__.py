"""Apply the steps of a plan, one function each, and verify the outcome."""
