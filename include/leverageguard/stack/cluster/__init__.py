"""The servers of the cluster profile: Debian's programs, each with a folder of its own."""
