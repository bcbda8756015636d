select day::date as day, extract(isoyear from day)::int as iso_year
from generate_series('2024-01-01'::timestamp, '2024-03-31', '1 day') as day
