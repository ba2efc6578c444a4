"""The Temporal host: workflow, activities, worker and build id."""
