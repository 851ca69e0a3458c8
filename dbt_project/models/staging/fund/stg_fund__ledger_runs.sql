with

source as (
    select * from {{ source('fund', 'ledger_runs') }}
),

renamed as (
    select
        {{ to_time('run_at_ms') }} as run_at,
        booked_count,
        reversed_count,
        waiting_count
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['run_at'], ['booked_count desc', 'reversed_count desc', 'waiting_count desc']) }}
)

select * from deduplicated
