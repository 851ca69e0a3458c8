-- Each planned payout beside what the chain says about it.
with

planned as (
    select * from {{ ref('stg_settlement__payouts') }}
),

-- A transfer refused once may be made later: paid wins.
receipts as (
    select *
    from {{ ref('stg_chain__payouts') }}
    qualify row_number() over (
        partition by chain_id, claim_index
        order by is_paid desc, block_number desc, log_index desc
    ) = 1
),

settled as (
    select
        planned.chain_id,
        planned.claim_id,
        planned.liquidation_event_id,
        planned.policy_id,
        planned.wallet,
        planned.recipient,
        planned.amount_micro_usdc,
        planned.claim_index,
        planned.batch_id,
        planned.batch_no,
        coalesce(receipts.tx_hash, planned.tx_hash) as tx_hash,
        receipts.recipient as paid_recipient,
        if(receipts.is_paid, receipts.amount_micro_usdc, 0) as paid_micro_usdc,
        case
            when receipts.is_paid then 'PAID'
            when not receipts.is_paid then 'REFUSED'
            when planned.state in ('PAID', 'FAILED') then 'MINED'
            else planned.state
        end as payout_state
    from planned
    left join receipts
        on planned.chain_id = receipts.chain_id and planned.claim_index = receipts.claim_index
)

select * from settled
