"""The local stack: secrets, processes, deployment and the summary the operator reads."""
