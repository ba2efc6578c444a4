"""Every route with every hostile value: refused as the caller's mistake, never one of the service, whatever the text is."""
