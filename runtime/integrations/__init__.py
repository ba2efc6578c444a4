"""Vendors' REST APIs as data: a folder per vendor, and the node that reads its descriptors."""
