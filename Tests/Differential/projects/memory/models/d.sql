{{ memory._note('d') }} select 'd' as name
