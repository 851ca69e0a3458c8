"""The compiled models decide exactly what a dbt build decides."""
