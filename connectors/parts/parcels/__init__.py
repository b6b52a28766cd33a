"""Carriers and parcels, as warehouses and trackers tell of them."""
