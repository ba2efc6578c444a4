"""Chat memory: the messages of a session that later runs read."""
