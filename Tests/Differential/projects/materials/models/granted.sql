{{ config(materialized='table', grants={'select': ['reader', 'writer'] if not var('fewer', false) else ['reader'], 'insert': 'writer'}) }}
select * from {{ ref('rates') }}
