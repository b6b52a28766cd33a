"""How a body becomes records: JSON, XML, CSV, their encodings; tables beside the code."""
