"""The journal and its adapters."""
