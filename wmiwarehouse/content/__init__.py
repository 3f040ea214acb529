"""What the product knows: versioned SQL views with their metadata, read from the folder ``sql/``."""
