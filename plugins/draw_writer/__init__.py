"""Pictures that are drawn while one watches: a recurrent network and its attention (DRAW)."""
