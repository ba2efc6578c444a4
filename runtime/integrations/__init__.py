"""Vendors' REST APIs as data: descriptors, and the node that reads them."""
