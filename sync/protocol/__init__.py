"""How facts travel between a store and head office: messages, and both sides as pure state machines."""
