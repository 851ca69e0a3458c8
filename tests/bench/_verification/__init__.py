"""Parts of the verification benchmark: the landed world, the contenders, the measuring."""
