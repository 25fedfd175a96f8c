"""What a table is once it is open: standard names and rules, mapped columns, typed values, the rows that stay."""
