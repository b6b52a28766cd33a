"""What an operator is shown and told: figures for Prometheus, alarms for failure and for absence."""
