"""An MCP server of the service itself: the tenant's templates as tools."""
