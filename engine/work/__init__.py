"""Work in the background: Dramatiq as the wake-up hint, a sweeper for what hints have lost."""
