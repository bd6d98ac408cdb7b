"""A report's rooms: what it says (`contents`), how it looks on screen (`html`) and paper (`pdf`).

    evaluations -> diagnosis, tables, drawings -> document of blocks -> HTML, PDF

Both are written from the same document, so neither can say what the other does not.
"""
