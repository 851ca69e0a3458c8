"""Parts of the crash matrix: where a worker dies, the worlds it dies in, the naive sender."""
