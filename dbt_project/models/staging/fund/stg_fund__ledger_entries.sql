with

source as (
    select * from {{ source('fund', 'ledger_entries') }}
),

renamed as (
    select
        entry_id,
        leg_no,
        kind,
        account,
        amount_micro_usdc,
        lower(party) as party,
        lower(policy_id) as policy_id,
        claim_id,
        chain_id,
        block_number,
        {{ to_time('occurred_at_ms') }} as occurred_at,
        {{ to_time('recorded_at_ms') }} as recorded_at,
        source as caused_by,
        restates as restates_entry_id
    from source
),

deduplicated as (
    select *
    from renamed
    {{ latest_by(['entry_id', 'leg_no'], ['recorded_at desc']) }}
)

select * from deduplicated
