{{ memory._note('b') }} select 'b' as name
