"""Parts of the business day: its stage, what people do in it, and how its books are held."""
