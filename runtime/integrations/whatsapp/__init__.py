"""WhatsApp, by the cloud API of Meta."""
