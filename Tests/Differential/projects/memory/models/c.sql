{{ memory._note('c') }} select 'c' as name
