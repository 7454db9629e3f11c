"""Training as assets: `@model_asset`, its definition, gates and one run of it."""
