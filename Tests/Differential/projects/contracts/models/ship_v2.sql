select 2 as id, 'two' as name
