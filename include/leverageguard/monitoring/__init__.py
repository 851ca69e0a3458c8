"""What a monitoring system is told: the state of the pool as metrics, made when asked for."""
