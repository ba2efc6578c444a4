"""The domain that API and command line share."""
