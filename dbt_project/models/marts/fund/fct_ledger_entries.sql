with

legs as (
    select * from {{ ref('stg_fund__ledger_entries') }}
),

undone as (
    select distinct restates_entry_id as entry_id
    from legs
    where kind = 'reversal'
),

told as (
    select
        legs.entry_id,
        legs.leg_no,
        legs.kind,
        legs.account,
        legs.amount_micro_usdc,
        legs.party,
        legs.policy_id,
        legs.claim_id,
        legs.chain_id,
        legs.block_number,
        legs.occurred_at,
        legs.recorded_at,
        legs.caused_by,
        legs.restates_entry_id,
        legs.kind <> 'reversal' and undone.entry_id is null as is_standing
    from legs
    left join undone on legs.entry_id = undone.entry_id
)

select * from told
