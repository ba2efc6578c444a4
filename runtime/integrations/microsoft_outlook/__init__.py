"""Microsoft Outlook: messages, drafts, events and folders."""
