"""The life of a store's database: made, started, backed up, restored, proved, mended."""
