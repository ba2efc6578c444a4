"""PDFMunk, the service of the community node HTML to PDF."""
