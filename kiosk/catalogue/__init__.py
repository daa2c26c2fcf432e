"""The catalogue: products, barcodes, prices, stock."""
