"""The pure engine: what runs next, with which items, and what an outcome means. No I/O, no clock, no Temporal."""
