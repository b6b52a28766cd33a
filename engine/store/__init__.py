"""The only place that knows SQL. The database is the truth; everything else is a hint."""
