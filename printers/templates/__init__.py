"""How each content looks on paper: one module per kind of paper, all pure."""
