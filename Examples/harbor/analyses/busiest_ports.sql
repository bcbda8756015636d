select port_name, calls from {{ ref('port_traffic') }} order by calls desc limit 3
