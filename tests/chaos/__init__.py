"""The whole of it under everything that can go wrong at once: `make chaos`, and for a minute in the suite."""
