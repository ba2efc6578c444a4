"""HTML/CSS to Image."""
