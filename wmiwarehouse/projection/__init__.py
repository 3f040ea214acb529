"""Compiles the declarative files of ``ingest/`` into the one SQL projection that turns records into lake rows."""
