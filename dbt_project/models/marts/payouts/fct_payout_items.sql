with

settled as (
    select * from {{ ref('int_payouts__settled') }}
),

limited as (
    select * from {{ ref('int_payouts__limited') }} where not is_planned
),

claims as (
    select * from {{ ref('fct_claims') }}
),

policies as (
    select * from {{ ref('int_policies__bought') }}
),

planned as (
    select
        chain_id,
        batch_id,
        batch_no,
        claim_id,
        liquidation_event_id,
        policy_id,
        wallet,
        recipient,
        amount_micro_usdc,
        claim_index,
        case payout_state when 'PAID' then 'paid' when 'REFUSED' then 'refused' else 'planned' end
            as status,
        tx_hash,
        paid_micro_usdc
    from settled
),

-- A batch is paid by one pool: each chain fills its own.
queued as (
    select
        policies.chain_id,
        claims.claim_id,
        claims.liquidation_event_id,
        claims.policy_id,
        claims.wallet,
        limited.approved_micro_usdc,
        (row_number() over (
            partition by policies.chain_id order by claims.notified_at, claims.claim_id
        ) - 1) // {{ var('max_batch_size') }} as place_on_chain
    from limited
    inner join claims on limited.claim_id = claims.claim_id
    inner join policies on claims.policy_id = policies.policy_id
    where limited.approved_micro_usdc > 0
),

approved as (
    select
        chain_id,
        'pending-' || lpad(
            cast(dense_rank() over (order by place_on_chain, chain_id) as varchar), 4, '0'
        ) as batch_id,
        null::bigint as batch_no,
        claim_id,
        liquidation_event_id,
        policy_id,
        wallet,
        wallet as recipient,
        approved_micro_usdc as amount_micro_usdc,
        null::bigint as claim_index,
        'approved' as status,
        null::varchar as tx_hash,
        0::bigint as paid_micro_usdc
    from queued
),

items as (
    select * from planned
    union all
    select * from approved
)

select * from items
