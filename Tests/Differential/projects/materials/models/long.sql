{{ config(materialized='table', alias='a_name_that_is_nearly_as_long_as_postgresql_lets_a_relation_be') }}
select 1 as id
