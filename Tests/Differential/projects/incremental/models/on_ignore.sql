{{ config(materialized='incremental', unique_key='id', on_schema_change='ignore') }}
select id, port{% if var('wide', false) %}, tons, 'x'::varchar(10) as mark{% else %}, 'xy'::varchar(5) as old{% endif %} from {{ source('raw', 'calls') }}
