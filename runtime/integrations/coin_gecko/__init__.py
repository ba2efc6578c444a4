"""CoinGecko."""
