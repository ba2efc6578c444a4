"""YouTube: videos, playlists and channels."""
