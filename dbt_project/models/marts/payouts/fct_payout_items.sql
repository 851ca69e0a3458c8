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

planned as (
    select
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

approved as (
    select
        'pending-' || lpad(
            cast(
                (row_number() over (order by claims.notified_at, claims.claim_id) - 1)
                // {{ var('max_batch_size') }} + 1 as varchar
            ),
            4,
            '0'
        ) as batch_id,
        null::bigint as batch_no,
        claims.claim_id,
        claims.liquidation_event_id,
        claims.policy_id,
        claims.wallet,
        claims.wallet as recipient,
        limited.approved_micro_usdc as amount_micro_usdc,
        null::bigint as claim_index,
        'approved' as status,
        null::varchar as tx_hash,
        0::bigint as paid_micro_usdc
    from limited
    inner join claims on limited.claim_id = claims.claim_id
    where limited.approved_micro_usdc > 0
),

items as (
    select * from planned
    union all
    select * from approved
)

select * from items
