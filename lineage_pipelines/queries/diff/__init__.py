"""Why is one version different from another? Each part of two records compared, identical things folded away."""
