"""What stands in payloads: numbers, texts, times, people, places."""
