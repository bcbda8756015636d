{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='called_at', batch_size='day', begin='2024-03-01',
          lookback=1, unique_key='id', pre_hook="select 'before'", post_hook="select 'after'") }}
select id, port, called_at, '{{ model.batch.id if model.batch else "none" }}' as batch,
  '{{ model.batch.event_time_start }}' as first_moment
from {{ source('raw', 'calls') }}
{% if var('broken_day', '') and model.batch and model.batch.id == var('broken_day') %} where 1 / (id - id) = 1 {% endif %}
