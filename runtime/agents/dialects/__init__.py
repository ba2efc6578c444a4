"""How models are spoken to: one file per dialect."""
