"""How fast is one hop? See README.md; `python -m bench --help`."""
