"""The HTTP front: static pages now, mounted on Airflow's API server by plugins/."""
