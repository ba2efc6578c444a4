"""Root nodes: agent, chains, classifier, extractor. Each is a reducer over model requests and tool calls."""
