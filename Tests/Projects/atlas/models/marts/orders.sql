select 1 as id, current_date as day, 5 as amount
