"""What starts, resumes and answers runs from outside: webhooks, forms, chats, links of waits."""
