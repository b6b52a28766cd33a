"""What channels share: addresses, mails, text messages, answers and receipts of providers."""
