"""The outside as it reaches us: intake, customer pages, console."""
