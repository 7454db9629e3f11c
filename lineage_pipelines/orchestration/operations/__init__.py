"""Jobs, sensors and checks around models: promotion, reconciliation, reproduction, attribution, retraining."""
