"""S3: Amazon's, and servers that speak its protocol."""
