"""Active learning: which rows of a pool are worth a label, round by round."""
