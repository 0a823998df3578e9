"""Those whose mail, spawning and idle memory `benchmarks.mailbox` compares: one file each, the same work in all."""
