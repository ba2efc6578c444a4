"""ScrapegraphAI."""
