"""Raw Parquet landing, the dbt build and the published snapshot."""
