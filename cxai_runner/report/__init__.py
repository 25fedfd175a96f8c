"""What a run says to its reader: a document as plain data, its figures, and one self-contained HTML file."""
