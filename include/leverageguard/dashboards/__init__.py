"""Superset's dashboards as files: written from dbt, taken in and given out."""
