with

claims as (
    select * from {{ ref('int_claims__decided') }}
),

limited as (
    select * from {{ ref('int_payouts__limited') }}
),

settled as (
    select * from {{ ref('int_payouts__settled') }}
),

moves as (
    select * from {{ ref('stg_lifecycle__claim_txns') }}
),

-- A claim is appealed once: after its appeal no time runs for another.
stood as (
    select
        claim_id,
        arg_max(to_state, txn_no) as claim_state,
        arg_max(moved_at, txn_no) as state_since,
        arg_max(reserve_micro_usdc, txn_no) as reserve_micro_usdc,
        bool_or(to_state = 'APPEALED') as has_appealed
    from moves
    group by claim_id
),

joined as (
    select
        claims.claim_id,
        claims.filing_id,
        claims.filing_reference,
        claims.policy_id,
        claims.policy_reference,
        claims.account_id,
        claims.wallet,
        claims.order_id,
        claims.liquidation_event_id,
        claims.inst_id,
        claims.position_side,
        claims.forced_kind,
        claims.notified_at,
        claims.liquidated_at,
        claims.origin,
        claims.verdict,
        array_to_string(claims.reason_codes, ',') as reasons,
        claims.reason_codes[1] as primary_reason,
        array_to_string(claims.hold_codes, ',') as hold_reasons,
        array_to_string(claims.released_codes, ',') as released_holds,
        limited.formula_micro_usdc,
        limited.approved_micro_usdc,
        limited.capped_micro_usdc,
        case
            when settled.payout_state is not null then settled.payout_state
            when limited.approved_micro_usdc > 0 then 'APPROVED'
            when limited.approved_micro_usdc = 0 then 'CAPPED'
            else 'NONE'
        end as payout_state,
        settled.batch_no,
        settled.tx_hash,
        coalesce(settled.paid_micro_usdc, 0) as paid_micro_usdc,
        stood.claim_state,
        stood.state_since,
        stood.reserve_micro_usdc,
        case
            when stood.claim_state in ('NOT_ELIGIBLE', 'REJECTED') and not stood.has_appealed
                then stood.state_since + to_seconds(claims.appeal_seconds)
        end as appeal_until_at
    from claims
    left join limited on claims.claim_id = limited.claim_id
    left join settled on claims.claim_id = settled.claim_id
    left join stood on claims.claim_id = stood.claim_id
)

select * from joined
