"""T0 ask: errands to the systems behind connections. What is found there goes into the inbox like a delivery."""
