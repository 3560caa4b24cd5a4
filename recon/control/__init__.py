"""What happens after matching, over days and people: open items, write-offs, cases. Pure."""
