{% snapshot people_time %}
{{ config(unique_key='id', strategy='timestamp', updated_at='moment', target_schema=target.schema ~ '_snap', invalidate_hard_deletes=true) }}
select id, name, moment + ({{ var('step') }} - 1) * interval '1 day' as moment from {{ ref('types') }} where moment is not null and id <> {{ 1 if var('step') > 1 else 0 }}
{% endsnapshot %}
