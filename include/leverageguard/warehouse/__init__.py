"""Raw landing, the private DuckDB warehouse and the published snapshot."""
