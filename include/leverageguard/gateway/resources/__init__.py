"""The API's resources, one router a file: a file there with `router` is found by its name."""
