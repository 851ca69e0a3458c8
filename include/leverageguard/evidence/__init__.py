"""Evidence packages of decided claims: sealed, recorded, and checked again by anybody."""
