select {{ function('twice') }}(rate::float8) as doubled, {{ function('labelled') }}(code) as label from {{ ref('rates') }}
