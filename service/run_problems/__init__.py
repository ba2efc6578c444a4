"""Why a run does not go on, or cannot be shown: found in one place, and shown in the same words everywhere."""
