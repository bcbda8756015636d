select * from {{ ref('berths') }} where {{ tools.is_positive('berths') }}
