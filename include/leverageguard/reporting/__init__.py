"""Reports as files: what a range of days says, in six formats with one set of figures."""
