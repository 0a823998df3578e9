"""The whole of it under everything that can go wrong at once: `make chaos`, and some of it in the suite."""
