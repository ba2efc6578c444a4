"""OpenWeatherMap."""
