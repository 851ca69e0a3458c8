-- Each payout as three sides know it: what was decided on the claim, what the store planned and
-- recorded, what the chain did. `differences` names every point in which two of them disagree.
with

planned as (
    select * from {{ ref('stg_settlement__payouts') }}
),

events as (
    select * from {{ ref('stg_chain__payouts') }}
),

batches as (
    select * from {{ ref('int_batches__reconciled') }}
),

claims as (
    select * from {{ ref('int_claims__decided') }}
),

verdicts as (
    select * from {{ ref('stg_evidence__verdicts') }}
),

-- The batch's own event comes first: a refused payout may be rescued later, and then goes where
-- verifiers signed it to go.
spoken as (
    select
        chain_id,
        claim_index,
        count(*) filter (where is_paid) as paid_events,
        count(*) filter (where not is_paid) as refused_events,
        arg_min(batch_no, (block_number, log_index)) as batch_no,
        arg_min(recipient, (block_number, log_index)) as recipient,
        arg_min(amount_micro_usdc, (block_number, log_index)) as amount_micro_usdc,
        coalesce(sum(amount_micro_usdc) filter (where is_paid), 0) as paid_micro_usdc,
        min(block_at) as block_at
    from events
    group by chain_id, claim_index
),

-- What the claim was worth when it was planned: a verdict given later does not change the payment,
-- it opens a recovery, which is no difference between the books.
decided as (
    select
        planned.claim_id,
        if(
            verdicts.verdict = 'verified' and verdicts.hold_reasons = '',
            verdicts.approved_micro_usdc,
            0
        ) as approved_micro_usdc
    from planned
    inner join verdicts
        on planned.claim_id = verdicts.claim_id and planned.planned_at >= verdicts.decided_at
    qualify row_number() over (
        partition by planned.claim_id order by verdicts.verdict_no desc
    ) = 1
),

joined as (
    select
        coalesce(planned.chain_id, spoken.chain_id) as chain_id,
        coalesce(planned.claim_index, spoken.claim_index) as claim_index,
        planned.claim_id,
        coalesce(planned.batch_no, spoken.batch_no) as batch_no,
        planned.state,
        planned.amount_micro_usdc as store_micro_usdc,
        spoken.amount_micro_usdc as chain_micro_usdc,
        decided.approved_micro_usdc as claims_micro_usdc,
        planned.recipient as store_recipient,
        spoken.recipient as chain_recipient,
        claims.wallet as claims_recipient,
        spoken.block_at,
        cast(coalesce(spoken.paid_micro_usdc, 0) as bigint) as chain_paid_micro_usdc,
        coalesce(spoken.paid_events, 0) as paid_events,
        coalesce(spoken.refused_events, 0) as refused_events,
        claims.claim_id is not null or decided.claim_id is not null as is_claim,
        coalesce(batches.is_due, false) as is_due
    from planned
    full outer join spoken
        on planned.chain_id = spoken.chain_id and planned.claim_index = spoken.claim_index
    left join decided on planned.claim_id = decided.claim_id
    left join claims on planned.claim_id = claims.claim_id
    left join batches on planned.batch_id = batches.batch_id
),

reconciled as (
    select
        chain_id,
        claim_index,
        claim_id,
        batch_no,
        state,
        is_due,
        store_micro_usdc,
        chain_micro_usdc,
        claims_micro_usdc,
        store_recipient,
        chain_recipient,
        claims_recipient,
        block_at,
        if(state = 'PAID', store_micro_usdc, 0) as store_paid_micro_usdc,
        chain_paid_micro_usdc,
        list_filter([
            if(state is null, 'payout_unknown_to_the_store', null),
            if(state is not null and not is_claim, 'payout_of_no_claim', null),
            if(paid_events > 1, 'paid_twice', null),
            if(refused_events > 1, 'refused_twice', null),
            if(chain_micro_usdc <> store_micro_usdc, 'chain_amount_differs', null),
            if(chain_recipient <> store_recipient, 'chain_recipient_differs', null),
            if(claims_micro_usdc <> store_micro_usdc, 'claim_amount_differs', null),
            if(claims_recipient <> store_recipient, 'claim_recipient_differs', null),
            if(
                is_due and state in ('PAID', 'FAILED') and paid_events + refused_events = 0,
                'payout_missing_on_chain',
                null
            ),
            if(
                (state = 'PAID' and paid_events = 0 and refused_events > 0)
                or (state = 'FAILED' and paid_events > 0 and refused_events = 0),
                'state_differs',
                null
            )
        ], lambda kind: kind is not null) as differences
    from joined
)

select * from reconciled
