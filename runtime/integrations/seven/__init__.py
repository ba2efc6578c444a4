"""seven, once sms77."""
