select prefix || ' ' || code
