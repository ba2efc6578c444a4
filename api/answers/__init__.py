"""What runs wait for from people, and the answers to it."""
