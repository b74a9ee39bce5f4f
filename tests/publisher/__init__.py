"""Known figures, published: renders reports from figures and serves them on loopback."""
