{% macro get_incremental_own_way_sql(arg_dict) %}
insert into {{ arg_dict["target_relation"] }} select * from {{ arg_dict["temp_relation"] }} where id not in (select id from {{ arg_dict["target_relation"] }})
{% endmacro %}
