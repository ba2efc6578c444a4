"""The description of the API as a page, which loads nothing from elsewhere."""
