"""Pages on which the owner of an account connects it to a credential."""
