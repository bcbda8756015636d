{{ memory._note('a') }} select 'a' as name
