{{ config(grants={'+select': 'reader'}, persist_docs={'relation': true, 'columns': true}) }}
select code, rate from {{ ref('granted') }}
