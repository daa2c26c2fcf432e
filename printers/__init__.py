"""Paper and devices: documents, layout, ESC/POS, raster, the spool and the tasks that own a device. Imports none of
ours.
"""
