"""Google Sheets: rows of sheets, sheets, and spreadsheets."""
