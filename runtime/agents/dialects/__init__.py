"""The APIs of chat models: one file per dialect."""
