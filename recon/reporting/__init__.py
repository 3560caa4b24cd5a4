"""The result of a day as sheets: titles, frames and formats. No file, no clock, no openpyxl."""
