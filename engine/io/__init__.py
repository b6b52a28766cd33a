"""The outside as we reach for it: clock, files, mail servers, logs."""
