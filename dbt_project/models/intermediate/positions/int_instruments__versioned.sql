with

readings as (
    select * from {{ ref('stg_exchanges__instruments') }}
),

changes as (
    select *
    from readings
    window by_time as (partition by exchange, inst_id order by taken_at)
    qualify
        row_number() over by_time = 1
        or contract_size is distinct from lag(contract_size) over by_time
        or contract_type is distinct from lag(contract_type) over by_time
        or settle_currency is distinct from lag(settle_currency) over by_time
),

versioned as (
    select
        exchange,
        inst_id,
        inst_type,
        contract_type,
        contract_size,
        base_asset,
        settle_currency,
        reply_sha256,
        case
            when row_number() over by_time = 1 then timestamptz '1970-01-01 00:00:00+00'
            else taken_at
        end as valid_from_at,
        coalesce(lead(taken_at) over by_time, timestamptz '9999-01-01 00:00:00+00') as valid_to_at
    from changes
    window by_time as (partition by exchange, inst_id order by taken_at)
)

select * from versioned
