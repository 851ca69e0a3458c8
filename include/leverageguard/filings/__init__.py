"""Filed claims taken up at once: their evidence is pulled without waiting for the hour."""
