"""What n8n's list nodes do with items, shared by the nodes of one operation each and by Item Lists, which has them all."""
