"""The warehouse on disk: batches of Parquet that appear whole or not at all, and the catalog of views over them."""
