{{ config(materialized='incremental', incremental_strategy='merge', unique_key=['id'], merge_exclude_columns=['port'],
          incremental_predicates=["DBT_INTERNAL_DEST.called_at > '2024-01-01'"]) }}
select id, port, tons, called_at from {{ source('raw', 'calls') }}
