select 1 as id, 'x'::text as name, 3 as third
