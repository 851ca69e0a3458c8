"""Selling: prices, quotes the pool is held to, and refusals with reasons."""
