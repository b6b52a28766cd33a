"""Todoke's engine: everything between a source's delivery and a customer's message."""
