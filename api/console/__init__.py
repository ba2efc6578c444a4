"""The console: pages for people who look after runs. What they do there is the same call as by REST."""
