select x * {{ var('k', 2) }}
