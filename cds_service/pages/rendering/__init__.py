"""Templates in, HTML out: escaped, under strict headers, with the styles and scripts they name."""
