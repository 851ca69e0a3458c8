"""One file a venue; a file here is a venue the installation can read."""
