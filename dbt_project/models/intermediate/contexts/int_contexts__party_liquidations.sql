with

closes as (
    select * from {{ ref('int_closes__measured') }}
),

accounts as (
    select * from {{ ref('int_accounts__insured') }}
),

brought as (
    select * from {{ ref('stg_evidence__party_liquidations') }}
),

liquidated as (
    select
        {{ pseudonym('coalesce(closes.episode_id, closes.liquidation_event_id)') }}
            as position_key,
        accounts.party_key,
        epoch_ms(closes.liquidated_at) as liquidated_at_ms
    from closes
    inner join accounts using (exchange, account_id)
    where {{ is_liquidation('closes.forced_kind') }}

    union all

    select
        position_key,
        party_key,
        liquidated_at_ms
    from brought
),

-- A position counts from its first liquidation on, partial ones included.
firsts as (
    select
        position_key,
        party_key,
        min(liquidated_at_ms) as liquidated_at_ms
    from liquidated
    group by position_key, party_key
)

select * from firsts
